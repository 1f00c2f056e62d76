import { join } from "node:path";
import { execa } from "execa";
import { paths } from "./paths.ts";
import { type Counts, closingLine, countResults } from "./summary.ts";

export interface Part {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const script = (name: string): Part => ({ name, command: ["npm", "run", "--silent", name] });

/** What needs no Docker engine and no Pulumi. */
export const QUICK: readonly Part[] = ["types", "lint", "format", "compare", "test:unit"].map(script);
export const FULL: readonly Part[] = [
  ...QUICK,
  ...["test:toolchain", "test:host"].map(script),
  { name: "sample", command: [join(paths.checkout, "sample/api/test.sh")] },
  script("test:e2e"),
];

/** What needs the real AWS and Cloudflare providers. */
export const CLOUD: readonly Part[] = [script("test:cloud")];

async function runPart(
  { name, command }: Part,
  env: NodeJS.ProcessEnv,
): Promise<Counts & { readonly seconds: number }> {
  const [program, ...args] = command;
  process.stdout.write(`\n── ${name}\n`);
  const begun = performance.now();
  const result = await execa(program, args, {
    cwd: paths.checkout,
    env,
    extendEnv: false,
    stdin: "ignore",
    stdout: ["inherit", "pipe"],
    stderr: ["inherit", "pipe"],
    all: true,
    reject: false,
  });
  const seconds = (performance.now() - begun) / 1000;
  return { ...countResults(result.all, result.exitCode ?? 1), seconds };
}

/** Runs all parts, whatever fails, with one summary at the end; `before` runs ahead of the closing line. */
export async function runSuite(
  parts: readonly Part[],
  env: NodeJS.ProcessEnv,
  before = async () => {},
): Promise<number> {
  const counts: Counts[] = [];
  const lines: string[] = [];
  for (const part of parts) {
    const result = await runPart(part, env);
    counts.push(result);
    const verdict = result.failed === 0 ? "ok" : "FAILED";
    lines.push(
      `  ${part.name.padEnd(16)} ${verdict.padEnd(7)} ${closingLine([result])} (${result.seconds.toFixed(1)} s)`,
    );
  }
  await before();
  process.stdout.write(`\n${lines.join("\n")}\n\n${closingLine(counts)}\n`);
  return counts.some(({ failed }) => failed > 0) ? 1 : 0;
}
