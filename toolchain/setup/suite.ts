import { join } from "node:path";
import { execa } from "execa";
import { paths } from "./paths.ts";
import { type Counts, closingLine, countResults, failureText } from "./summary.ts";

export interface Part {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const script = (name: string): Part => ({ name, command: ["npm", "run", "--silent", name] });

/** Parts that run one after the other, beside the other lanes of their stage. */
type Lane = readonly Part[];
export type Stage = readonly Lane[];

const quick: Lane = ["types", "lint", "format", "compare", "workflows", "coverage"].map(script);
const sample: Part = { name: "sample", command: [join(paths.checkout, "sample/api/test.sh")] };

const pages: Part = { name: "sample web", command: [join(paths.checkout, "sample/web/test.sh")] };

/** What needs no Docker engine and no Pulumi. */
export const QUICK: readonly Stage[] = [[quick]];
// Two lanes of about the same length: most tests wait for containers, not for the processor.
const here: readonly [Lane, Lane] = [
  [...quick, script("test:toolchain"), script("test:e2e:first")],
  [script("test:host"), sample, pages, script("test:e2e:rest"), script("test:walk")],
];
const overSsh: readonly [Lane, Lane] = [
  [script("test:ssh:first")],
  [script("test:machine"), script("test:ssh:rest"), script("test:walk:ssh")],
];

// The end-to-end tests add to the unit tests' share of lines; which commands they ran is begun anew with them.
const begin: Stage = [[script("coverage:begin")]];
const whole: Stage = [[script("coverage:whole")]];

/** What needs this machine's own engine. */
export const FULL: readonly Stage[] = [begin, here, whole];
/** What needs a test machine, reached over SSH. */
export const SSH: readonly Stage[] = [overSsh];
/** What needs the real AWS and Cloudflare providers. */
export const CLOUD: readonly Stage[] = [[[script("test:cloud:parts")], [script("test:cloud:stacks")]]];

const plugins: Part = {
  name: "cloud plugins",
  command: ["nice", "-n", "10", join(paths.checkout, "toolchain/setup/bootstrap.sh"), "cloud-plugins"],
};

/** All of it: the cloud's providers are built, where they are not there yet, in what the other tests leave of the machine. */
export const ALL: readonly Stage[] = [
  begin,
  [[...here[0], ...overSsh[0]], [...here[1], ...overSsh[1]], [plugins]],
  whole,
  ...CLOUD,
];

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

async function runLane(lane: Lane, env: NodeJS.ProcessEnv, alone: boolean): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const part of lane) results.push(await runPart(part, env, alone));
  return results;
}

/** Runs all parts, whatever fails, with one summary at the end; `before` runs ahead of the closing line. */
export async function runSuite(
  stages: readonly Stage[],
  env: NodeJS.ProcessEnv,
  before = async () => {},
): Promise<number> {
  const results: Result[] = [];
  for (const lanes of stages) {
    const done = await Promise.all(lanes.map((lane) => runLane(lane, env, lanes.length === 1)));
    results.push(...done.flat());
  }
  await before();
  const lines = results.map((result) => {
    const verdict = result.failed === 0 ? "ok" : "FAILED";
    return `  ${result.name.padEnd(16)} ${verdict.padEnd(7)} ${closingLine([result])} (${result.seconds.toFixed(1)} s)`;
  });
  const failed = results.filter((result) => result.failed > 0);
  const failures = failed.map(({ name, output }) => `── ${name} failed:\n${failureText(output)}\n\n`);
  process.stdout.write(`\n${lines.join("\n")}\n\n${failures.join("")}${closingLine(results)}\n`);
  return failed.length > 0 ? 1 : 0;
}
