import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { runProgram } from "../components/host/process.ts";
import { cutOff } from "./cut-off.ts";
import { EXIT, Refusal } from "./outcome.ts";
import { type Progress, makeProgress } from "./terminal.ts";
import { parseDuration, renderWatchState } from "./watch/plan.ts";
import type { Hold } from "./watch/watch.ts";

const EXITS = `
Exit codes: ${EXIT.done} done, ${EXIT.failed} tried and failed (what serves is said), ${EXIT.refused} refused and nothing changed, ${EXIT.interrupted} cut off.
`;

/** The command line. What a command needs is loaded when it runs: `--help` starts no engine. */
export function makeProgram(): Command {
  const program = new Command("bluegreen")
    .description(
      "Releases of a stack, from image to live and back. Everything it does is config and `pulumi up`.",
    )
    .addHelpText("after", EXITS)
    .showHelpAfterError()
    .exitOverride((error) => {
      // The text was written already.
      process.exit(error.exitCode === 0 ? EXIT.done : EXIT.refused);
    });
  addDeploy(program);
  addPromote(program);
  addRollback(program);
  addShow(program);
  addWatch(program);
  addDoctor(program);
  return program;
}

function addDeploy(program: Command): void {
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
      const { deploy, seconds } = await import("./deploy/deploy.ts");
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
        const took = Object.entries(done.milliseconds).map(([step, ms]) => `${step} ${seconds(ms)}`);
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

function addPromote(program: Command): void {
  stackCommand(program, "promote", "send a share of the visitors to the release that waits on the idle slot")
    .requiredOption("--to <percent>", "0 to 100; with 100 it is live", percent)
    .option("--hold <time>", "watch it for so long (30s, 30m, 2h): past a limit visitors go back", duration)
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .addHelpText(
      "after",
      `
A visitor stays with a colour: by cookie, by address where there is none. A step changes no connection.

Examples:
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --no-flip
  $ npx bluegreen promote --to 10
  $ npx bluegreen promote --to 100`,
    )
    .action(async ({ to, hold, by, stack, json }) => {
      const { promote } = await import("./promote/promote.ts");
      await run(json, async (progress) => {
        const request = { percent: to, by: by ?? (await whoami()) };
        const done = await promote(stack, request, { folder: process.cwd(), progress });
        if (hold !== undefined) await watchIt(stack, { ...done, seconds: hold, back: done.before }, progress);
        const text = `release ${done.release} on ${done.color} has ${to} % of the visitors\n`;
        return { result: done, text };
      });
    });
}

function addRollback(program: Command): void {
  stackCommand(program, "rollback", "send visitors back to the release before, or to an older one")
    .option("--to <release>", "a release id of the history (default: the one that was live before)")
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen rollback --stack prod
  $ npx bluegreen rollback --stack prod --to 40`,
    )
    .action(async ({ to, by, stack, json }) => {
      const { rollback } = await import("./rollback/rollback.ts");
      await run(json, async (progress) => {
        const done = await rollback(
          stack,
          { to, by: by ?? (await whoami()) },
          { folder: process.cwd(), progress },
        );
        const took = ((done.milliseconds["update"] ?? 0) / 1000).toFixed(1);
        return { result: done, text: `release ${done.release} is live on ${done.color}; ${took} s\n` };
      });
    });
}

function addShow(program: Command): void {
  stackCommand(
    program,
    "status",
    "both slots, the live colour, health, ages, and what was left in the middle",
  ).action(async ({ stack, json }) => {
    const { renderStatus, status } = await import("./show/status.ts");
    await run(json, async () => {
      const result = await status(stack, process.cwd());
      return { result, text: renderStatus(result, Date.now()) };
    });
  });
  stackCommand(program, "history", "the releases on record, the last first")
    .option("-n, --count <number>", "how many", positive, 20)
    .addHelpText("after", "\nWith --json: all of them, the first first, whatever --count says.")
    .action(async ({ stack, json, count }) => {
      const { history, renderHistory } = await import("./show/history.ts");
      await run(json, async () => {
        const result = await history(stack, process.cwd());
        return { result, text: renderHistory(result, count) };
      });
    });
  stackCommand(program, "diff", "what changed between two releases")
    .argument("<a>", "a release id")
    .argument("<b>", "another")
    .action(async (a, b, { stack, json }) => {
      const { difference, history, renderDifference } = await import("./show/history.ts");
      await run(json, async () => {
        const result = difference(await history(stack, process.cwd()), a, b);
        return { result, text: renderDifference(result, a, b) };
      });
    });
}

function addWatch(program: Command): void {
  stackCommand(program, "watch", "the release that is being watched, or the last verdict")
    .option("--stop", "end the watch; visitors stay where they are")
    .action(async ({ stop, stack, json }) => {
      const { stopWatch, watchState } = await import("./watch/watch.ts");
      const { openStack } = await import("./stack.ts");
      const { reachHost } = await import("./host.ts");
      await run(json, async () => {
        const host = await reachHost(await openStack(stack, process.cwd()));
        const result = stop === true ? await stopWatch(host) : await watchState(host);
        return { result, text: renderWatchState(result, Date.now()) };
      });
    });
}

function addDoctor(program: Command): void {
  stackCommand(program, "doctor", "what is wrong, and the command that mends it")
    .addHelpText("after", `\nChanges nothing. Exit code ${EXIT.failed} where something is wrong.`)
    .action(async ({ stack, json }) => {
      const { doctor, renderChecks } = await import("./doctor/doctor.ts");
      await run(json, async () => {
        const result = await doctor(stack, process.cwd());
        if (result.some(({ ok }) => !ok)) process.exitCode = EXIT.failed;
        return { result, text: renderChecks(result) };
      });
    });
}

/** A command with what all have. */
function stackCommand(program: Command, name: string, description: string) {
  return program
    .command(name)
    .description(description)
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "one JSON document on stdout");
}

interface Told {
  readonly result: unknown;
  readonly text: string;
}

async function run(json: true | undefined, work: (progress: Progress) => Promise<Told>): Promise<void> {
  const progress = makeProgress();
  try {
    const { result, text } = await work(progress);
    progress.end();
    process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : text);
  } finally {
    progress.end();
  }
}

function collectImages(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = value.indexOf("=");
  if (at < 1 || at === value.length - 1)
    throw new InvalidArgumentError("It is PART=IMAGE, such as api=registry/app:1.2");
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

function duration(value: string): number {
  const seconds = parseDuration(value);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new InvalidArgumentError("It is a time such as 30s, 30m or 2h.");
}

async function watchIt(name: string, wanted: Hold, progress: Progress): Promise<void> {
  const [{ hold }, { openStack }, { reachHost }] = await Promise.all([
    import("./watch/watch.ts"),
    import("./stack.ts"),
    import("./host.ts"),
  ]);
  const host = await reachHost(await openStack(name, process.cwd()));
  await hold(name, process.cwd(), host, wanted, { progress, detach: cutOff });
}

function percent(value: string): number {
  if (/^(\d|[1-9]\d|100)$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It is a whole number from 0 to 100.");
}

function positive(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It is a whole number from 1 on.");
}

/** Asks on a terminal; elsewhere, and where the answer was given already, it is yes. */
function confirmer(answered: boolean): (question: string) => Promise<boolean> {
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

async function git(...words: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await runProgram(["git", ...words], { timeoutMs: 5000 });
  return code === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

function headCommit(): Promise<string | undefined> {
  return git("rev-parse", "HEAD");
}

async function whoami(): Promise<string> {
  const name = (await git("config", "user.name")) ?? userInfo().username;
  // As the config allows it.
  const plain = name.replaceAll(/[\p{Cc}"\\]/gu, "").slice(0, 80);
  if (plain === "") throw new Refusal("nobody is named as who releases", "add --by NAME");
  return plain;
}
