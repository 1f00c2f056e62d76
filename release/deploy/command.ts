import { createInterface } from "node:readline/promises";
import { type Command, Option } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { HOLD_HELP, collectImages, duration, risingPercents } from "../command-options.ts";
import { secondsOf } from "../../components/seconds-of.ts";
import { Refusal } from "../outcome.ts";
import { stepSeconds } from "../watch/plan.ts";
import { watchIt } from "../watch/command.ts";
import type { Progress } from "../terminal.ts";
import type { CanarySteps } from "./canary.ts";
import type { DeployContext, Deployed } from "./deploy.ts";
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
    .option("--hold <time>", HOLD_HELP, duration)
    .addOption(
      new Option("--canary <percents>", "shares of the visitors, one after the other, each held for --hold")
        .argParser(risingPercents)
        .conflicts("flip"),
    )
    .option("--no-flip", "only release: visitors stay where they are")
    .option(
      "-y, --yes",
      "do not ask before the update (nobody is asked where there is no terminal; --json alone is no yes)",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --stack prod
  $ npx bluegreen deploy --image api=ghcr.io/acme/api@sha256:… --release 42 --yes --json
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --canary 10,50,100 --hold 30m
  $ npx bluegreen deploy --image api=bluegreen-sample-api:3 web=bluegreen-sample-web:3 --no-flip

An image that is not named stays the live release's.`,
    )
    .action(async ({ image, release, commit, by, contract, hold, canary, flip, yes, stack, json }) => {
      const { deploy } = await import("./deploy.ts");
      await run(json, async (progress) => {
        if (canary !== undefined && hold === 0) {
          throw new Refusal(
            "--hold got 0s; each step of a canary is held, for 1 s or longer",
            "leave --hold out, or name a time such as --hold 30m",
          );
        }
        const request = {
          images: image,
          release,
          commit: commit ?? (await headCommit()),
          by: by ?? (await whoami()),
          contract,
          flip: flip && canary === undefined,
          hold,
        };
        const folder = process.cwd();
        const confirm = confirmer(yes === true);
        const steps = { steps: canary ?? [], by: request.by };
        const goOn = canary === undefined ? undefined : stepper(stack, steps, { folder, progress });
        const done = await deploy(stack, request, { folder, progress, confirm, goOn });
        if (canary === undefined && done.live && done.from !== null) {
          const back = { live: done.from.color, canary: 0 };
          await watchIt(stack, { ...done, seconds: done.holdSeconds, back }, progress);
        }
        return { result: done, text: describe(done) };
      });
    });
}

/** Takes the release that waits through the shares of a canary. */
function stepper(
  name: string,
  { steps, by }: Pick<CanarySteps, "steps" | "by">,
  around: { readonly folder: string; readonly progress: Progress },
): NonNullable<DeployContext["goOn"]> {
  return async (waiting, back) => {
    const { stepUp } = await import("./canary.ts");
    const holdSeconds = stepSeconds(waiting.holdSeconds);
    const { percent, milliseconds } = await stepUp(
      name,
      { ...waiting, steps, by, back, holdSeconds },
      around,
    );
    return {
      ...{ ...waiting, live: percent === 100, percent },
      milliseconds: { ...waiting.milliseconds, steps: milliseconds },
    };
  };
}

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

interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Asks on a terminal, on stderr: stdout is the result's. Elsewhere, and where the answer was given already, it is yes. */
export function confirmer(
  answered: boolean,
  { stdin, stderr }: Terminal = process,
): (question: string) => Promise<boolean> {
  return async (question) => {
    if (answered || stdin.isTTY !== true || stderr.isTTY !== true) return true;
    const terminal = createInterface({ input: stdin, output: stderr });
    // A terminal that is gone answers nothing.
    const gone = new Promise<string>((resolve) => {
      terminal.once("close", () => {
        resolve("");
      });
    });
    try {
      // Ctrl-C and Ctrl-D are a no.
      const asked = terminal.question(`${question} [y/N] `).catch(() => "");
      return /^y(es)?$/i.test(await Promise.race([asked, gone]));
    } finally {
      terminal.close();
    }
  };
}
