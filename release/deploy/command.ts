import { createInterface } from "node:readline/promises";
import { type Command, Option } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { collectImages, duration, risingPercents } from "../command-options.ts";
import { secondsOf } from "../show/time.ts";
import { watchIt } from "../watch/command.ts";
import type { Deployed } from "./deploy.ts";
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
    .addOption(
      new Option(
        "--canary <percents>",
        `shares of the visitors, one after the other, each held for --hold (default: 30m)`,
      )
        .argParser(risingPercents)
        .conflicts("flip"),
    )
    .option("--no-flip", "only release: visitors stay where they are")
    .option("-y, --yes", "do not ask before the update (nobody is asked where there is no terminal)")
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --stack prod
  $ npx bluegreen deploy --image api=ghcr.io/acme/api@sha256:… --release 42 --yes --json
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --canary 10,50,100 --hold 30m
  $ npx bluegreen deploy --image api=bluegreen-sample-api:3 --no-flip`,
    )
    .action(async ({ image, release, commit, by, contract, hold, canary, flip, yes, stack, json }) => {
      const { deploy } = await import("./deploy.ts");
      await run(json, async (progress) => {
        const request = {
          images: image,
          release,
          commit: commit ?? (await headCommit()),
          by: by ?? (await whoami()),
          contract,
          flip: flip && canary === undefined,
        };
        const folder = process.cwd();
        const confirm = confirmer(yes === true || json === true);
        const done = await deploy(stack, request, { folder, progress, confirm });
        if (done.from === null) return { result: done, text: describe(done) };
        const { color: live } = done.from;
        if (canary !== undefined) {
          const { stepUp } = await import("./canary.ts");
          const steps = { steps: canary, holdSeconds: hold ?? HOLD_SECONDS, back: live, by: request.by };
          const { percent, milliseconds } = await stepUp(stack, { ...done, ...steps }, { folder, progress });
          const result: Deployed = {
            ...{ ...done, live: percent === 100, percent },
            milliseconds: { ...done.milliseconds, steps: milliseconds },
          };
          return { result, text: describe(result) };
        }
        if (hold !== undefined && done.live) {
          await watchIt(stack, { ...done, seconds: hold, back: { live, canary: 0 } }, progress);
        }
        return { result: done, text: describe(done) };
      });
    });
}

/** How long a step is watched that names no time: half an hour shows what a cold cache and a slow leak do. */
const HOLD_SECONDS = 1800;

function describe({ stack, release, color, live, percent, from, milliseconds }: Deployed): string {
  const took = Object.entries(milliseconds).map(([step, ms]) => `${step} ${secondsOf(ms)}`);
  const was = from === null ? "" : ` (was ${from.release} on ${from.color})`;
  const stands = live ? "is live on" : percent > 0 ? `has ${percent} % of the visitors on` : "waits on";
  const next = live
    ? from === null
      ? ""
      : `way back: npx bluegreen rollback --stack ${stack}\n`
    : `make it live: npx bluegreen promote --stack ${stack} --to 100\n`;
  return `release ${release} ${stands} ${color}${was}; ${took.join(", ")}\n${next}`;
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
