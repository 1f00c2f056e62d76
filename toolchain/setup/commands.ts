import { access, constants, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Options, type Result, execa } from "execa";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Output goes to the end of this file as well. */
  readonly log?: string;
  /** Killed after this long; no limit when absent. */
  readonly timeoutMs?: number;
}

export interface Ran {
  readonly ok: boolean;
  readonly stdout: string;
  /** Both, in the order they came. */
  readonly output: string;
}

/** A command that did not succeed. */
export class CommandError extends Error {
  readonly output: string;
  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}

function optionsOf({ cwd, env, log, timeoutMs }: RunOptions) {
  const sink = log === undefined ? (["pipe"] as const) : (["pipe", { file: log, append: true }] as const);
  return {
    cwd,
    env,
    extendEnv: env === undefined,
    timeout: timeoutMs,
    stdin: "ignore",
    stdout: sink,
    stderr: sink,
    all: true,
    reject: false,
    // What hangs on the pipes after the end (a daemon's child) must not hold us up.
    forceKillAfterDelay: 5000,
  } satisfies Options;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Runs a command to its end, whatever that is. */
export async function attempt(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const result: Result = await execa(command, args, optionsOf(options));
  const why = result.failed ? (result.shortMessage ?? "") : "";
  return { ok: !result.failed, stdout: textOf(result.stdout), output: textOf(result.all) || why };
}

/** Runs a command that has to succeed, and gives what it wrote on stdout. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const ran = await attempt(command, args, options);
  if (!ran.ok) throw new CommandError(`\`${[command, ...args].join(" ")}\` failed`, ran.output);
  return ran.stdout;
}

/** Runs a command on this terminal; gives its exit code. */
export async function runOnTerminal(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const result = await execa(command, args, {
    ...options,
    extendEnv: options.env === undefined,
    stdio: "inherit",
    reject: false,
  });
  return result.exitCode ?? 1;
}

/** The full path of a program, or undefined. */
export async function which(program: string, path = process.env["PATH"] ?? ""): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, program);
    if (folder !== "" && (await isExecutable(candidate))) return candidate;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The last lines of a text. */
export function tail(text: string, lines: number): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
