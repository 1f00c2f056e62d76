import { join } from "node:path";
import { execa } from "execa";
import { paths } from "./paths.ts";
import { type Counts, closingLine, countResults, failureNames, failureText } from "./summary.ts";

export interface Part {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const script = (name: string): Part => ({ name, command: ["npm", "run", "--silent", name] });

/** Parts in the order they begin; each of the lanes takes the next one when it is free. */
export interface Stage {
  readonly lanes: number;
  readonly parts: readonly Part[];
}

const inOneLane = (...parts: readonly Part[]): Stage => ({ lanes: 1, parts });
// One lane leaves a fifth of two processors idle (perf, over a file of end-to-end tests): a third would end no sooner.
const inTwoLanes = (...parts: readonly Part[]): Stage => ({ lanes: 2, parts });

const quick = ["types", "lint", "format", "compare", "workflows", "coverage"].map(script);
const sample: Part = { name: "sample", command: [join(paths.checkout, "sample/api/test.sh")] };
const pages: Part = { name: "sample web", command: [join(paths.checkout, "sample/web/test.sh")] };

/** What needs no Docker engine and no Pulumi. */
export const QUICK: readonly Stage[] = [inOneLane(...quick)];

// The long ones begin first, so that both lanes end at about the same time.
const here = ["test:e2e:releases", "test:e2e:rest", "test:e2e:first"].map(script);
const hereAtLast = [script("test:host"), script("test:walk"), sample, pages, script("test:toolchain")];
/** What a way to the host can break first. */
const overSshFirst = script("test:ssh:first");
const overSshRest = ["test:ssh:rest", "test:walk:ssh", "test:machine"].map(script);

// The end-to-end tests add to the unit tests' share of lines; which commands they ran is begun anew with them.
const begin: Stage = inOneLane(script("coverage:begin"));
const whole: Stage = inOneLane(script("coverage:whole"));

/** What README's test command runs: this machine's own engine, and the first of what needs a test machine. */
export const TEST: readonly Stage[] = [
  begin,
  inTwoLanes(...quick, ...here, overSshFirst, ...hereAtLast),
  whole,
];
/** All that needs a test machine, which is reached over SSH. */
export const SSH: readonly Stage[] = [inTwoLanes(overSshFirst, ...overSshRest)];
/** What needs the real AWS and Cloudflare providers. */
export const CLOUD: readonly Stage[] = [inTwoLanes(script("test:cloud:stacks"), script("test:cloud:parts"))];

type Result = Counts & { readonly name: string; readonly seconds: number; readonly output: string };

/** `alone`: its output is shown as it comes, not when the part is over. */
async function runPart({ name, command }: Part, env: NodeJS.ProcessEnv, alone: boolean): Promise<Result> {
  const [program, ...args] = command;
  process.stdout.write(alone ? `\n── ${name}\n` : `── ${name} …\n`);
  const begun = performance.now();
  const result = await execa(program, args, {
    cwd: paths.checkout,
    env,
    extendEnv: false,
    stdin: "ignore",
    stdout: alone ? ["inherit", "pipe"] : "pipe",
    stderr: alone ? ["inherit", "pipe"] : "pipe",
    all: true,
    reject: false,
  });
  const seconds = (performance.now() - begun) / 1000;
  if (!alone) process.stdout.write(`\n── ${name}\n${result.all}\n`);
  return { ...countResults(result.all, result.exitCode ?? 1), name, seconds, output: result.all };
}

async function runStage({ lanes, parts }: Stage, env: NodeJS.ProcessEnv): Promise<readonly Result[]> {
  const waiting = [...parts];
  const results: Result[] = [];
  const lane = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift())
      results.push(await runPart(part, env, lanes === 1));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** Runs all parts, whatever fails, with one summary at the end; `before` runs ahead of the closing line. */
export async function runSuite(
  stages: readonly Stage[],
  env: NodeJS.ProcessEnv,
  before = async () => {},
): Promise<number> {
  const results: Result[] = [];
  for (const stage of stages) results.push(...(await runStage(stage, env)));
  await before();
  const lines = results.map((result) => {
    const verdict = result.failed === 0 ? "ok" : "FAILED";
    return `  ${result.name.padEnd(16)} ${verdict.padEnd(7)} ${closingLine([result])} (${result.seconds.toFixed(1)} s)`;
  });
  const failed = results.filter((result) => result.failed > 0);
  const failures = failed.map(({ name, output }) => `── ${name} failed:\n${failureText(output)}\n\n`);
  const names = failed.flatMap(({ name, output }) =>
    failureNames(output).map((test) => `${name}: ${test}\n`),
  );
  process.stdout.write(
    `\n${lines.join("\n")}\n\n${[...failures, ...names].join("")}${closingLine(results)}\n`,
  );
  return failed.length > 0 ? 1 : 0;
}
