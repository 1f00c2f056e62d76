import { createInterface } from "node:readline/promises";
import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { collectImages, duration } from "../command-options.ts";
import { secondsOf } from "../show/time.ts";
import { watchIt } from "../watch/command.ts";
import { headCommit, whoami } from "../whoami.ts";

export function addDeploy(program: Command): void {
  stackCommand(program, "deploy", "release images onto the idle slot and send visitors there")
    .requiredOption(
      "-i, --image <part=image...>",
      "an image by part of the release, such as api=registry/app:1.2",
      collectImages,
    )
    .option("-r, --release <id>", "the release's id (default: the next free number)")
    .option("--commit <sha>", "the commit it was built from (default: the one that is checked out)")
    .option("--by <name>", "who releases, for the record (default: git's user.name)")
    .option("--contract <release...>", "its migration takes something away; these releases work without it")
    .option("--hold <time>", "watch it for so long (30s, 30m, 2h): past a limit visitors go back", duration)
    .option("--no-flip", "only release: visitors stay where they are")
    .option("-y, --yes", "do not ask before the update (nobody is asked where there is no terminal)")
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --stack prod
  $ npx bluegreen deploy --image api=ghcr.io/acme/api@sha256:… --release 42 --yes --json
  $ npx bluegreen deploy --image api=bluegreen-sample-api:3 --no-flip`,
    )
    .action(async ({ image, release, commit, by, contract, hold, flip, yes, stack, json }) => {
      const { deploy } = await import("./deploy.ts");
      await run(json, async (progress) => {
        const request = {
          images: image,
          release,
          commit: commit ?? (await headCommit()),
          by: by ?? (await whoami()),
          contract,
          flip,
        };
        const context = {
          folder: process.cwd(),
          progress,
          confirm: confirmer(yes === true || json === true),
        };
        const done = await deploy(stack, request, context);
        if (hold !== undefined && done.live && done.from !== null) {
          const back = { live: done.from.color, canary: 0 };
          await watchIt(stack, { ...done, seconds: hold, back }, progress);
        }
        const took = Object.entries(done.milliseconds).map(([step, ms]) => `${step} ${secondsOf(ms)}`);
        const from = done.from === null ? "" : ` (was ${done.from.release} on ${done.from.color})`;
        const next = done.live
          ? done.from === null
            ? ""
            : `way back: npx bluegreen rollback --stack ${stack}\n`
          : `make it live: pulumi config set --stack ${stack} active ${done.color} && pulumi up --stack ${stack}\n`;
        return {
          result: done,
          text: `release ${done.release} ${done.live ? "is live on" : "waits on"} ${done.color}${from}; ${took.join(", ")}\n${next}`,
        };
      });
    });
}

/** Asks on a terminal; elsewhere, and where the answer was given already, it is yes. */
export function confirmer(answered: boolean): (question: string) => Promise<boolean> {
  return async (question) => {
    if (answered || !process.stdin.isTTY || !process.stderr.isTTY) return true;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      // Ctrl-C and Ctrl-D are a no.
      const answer = await terminal.question(`${question} [y/N] `).catch(() => "");
      return /^y(es)?$/i.test(answer);
    } finally {
      terminal.close();
    }
  };
}
