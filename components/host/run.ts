import * as pulumi from "@pulumi/pulumi";
import { runProgram } from "./process.ts";
import type { Reach } from "./reach.ts";
import { type SshRunOptions, runOverSsh } from "./ssh.ts";

const RUN_TIMEOUT_MS = 180_000;

/** How a host is asked. */
export interface Asking {
  /** Default: 3 min. */
  readonly timeoutMs?: number;
  /** It changes nothing, or the same the second time: over a connection that breaks it is asked again. Default: it runs once. */
  readonly repeatable?: boolean;
}

/**
 * Runs a command on the host now, outside the engine's graph, and returns what it wrote to stdout.
 * @throws Error with what it wrote to stderr, when it fails or takes too long; one that says so where it may still run there
 */
export async function askHost(
  reach: Reach,
  words: readonly string[],
  stdin = "",
  { timeoutMs = RUN_TIMEOUT_MS, repeatable = false }: Asking = {},
): Promise<string> {
  const options = { input: stdin, timeoutMs, repeatable };
  const { code, stdout, stderr } = await run(reach, words, options);
  if (code === 0) return stdout;
  throw new Error(stderr.trim() || `${words[0] ?? ""}: ${describeEnd(code, timeoutMs)}`);
}

async function run(reach: Reach, words: readonly string[], options: SshRunOptions) {
  switch (reach.kind) {
    case "local":
      return await runProgram(words, { ...options, environment: { DOCKER_HOST: reach.engine } });
    case "ssh":
      return await runOverSsh({ access: reach.access, address: await known(reach.address) }, words, options);
  }
}

function describeEnd(code: number | "missing" | "late", timeoutMs: number): string {
  switch (code) {
    case "missing":
      return "there is no such program";
    case "late":
      return `no end after ${timeoutMs / 1000} s, it was stopped`;
    default:
      return `exit ${code}`;
  }
}

/** To be asked only where the value is known: not in a preview of a machine that is yet to be made. */
async function known(value: pulumi.Input<string>): Promise<string> {
  return await new Promise((resolve) => {
    pulumi.output(value).apply(resolve);
  });
}
