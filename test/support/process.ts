import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";

export interface Result {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order they came. */
  readonly output: string;
}

export interface Options {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** Killed after this long. Default 120,000 ms. */
  readonly timeoutMs?: number;
}

/** A command under way, leader of its own process group, so that it can be killed with or without its children. */
export class Running {
  readonly child: ChildProcess;
  /** Resolves when the process is gone and its output is closed, by it and by all that inherited it. */
  readonly done: Promise<Result>;
  /** Resolves when the process itself is gone. */
  readonly exited: Promise<unknown>;
  output = "";
  #stdout = "";
  #stderr = "";
  #listeners = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: Options = {}) {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env, detached: true, stdio: "pipe" });
    this.child = child;
    this.exited = once(child, "exit");
    child.stdout.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#took(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#took(chunk);
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    const timeoutMs = options.timeoutMs ?? 600_000;
    const timer = setTimeout(() => {
      this.output += `\n(killed after ${timeoutMs} ms)`;
      this.killGroup();
    }, timeoutMs);
    this.done = this.#finish(timer);
  }

  #took(chunk: Buffer): void {
    this.output += chunk.toString();
    for (const listener of this.#listeners) listener();
  }

  async #finish(timer: NodeJS.Timeout): Promise<Result> {
    await once(this.child, "close");
    clearTimeout(timer);
    for (const listener of this.#listeners) listener();
    return {
      code: this.child.exitCode ?? -1,
      stdout: this.#stdout,
      stderr: this.#stderr,
      output: this.output,
    };
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves as soon as the output matches. Throws if the command ends first. */
  async printed(pattern: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.output) && !this.ended) return;
        this.#listeners.delete(look);
        if (pattern.test(this.output)) resolve();
        else reject(new Error(`ended without printing ${pattern}:\n${this.output}`));
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** As Ctrl-C on a terminal: to the process and all its children. */
  interrupt(): void {
    if (this.child.pid !== undefined) signal(-this.child.pid, "SIGINT");
  }

  /** SIGKILL to this process alone: its children are left behind. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** SIGKILL to the process and everything it started, whatever process group that is in: no time to clean up. */
  async killTree(): Promise<void> {
    if (this.child.pid === undefined) return;
    // Stopped first, top down, so that none starts another while the tree is being read.
    const stopped: number[] = [];
    for (let next: readonly number[] = [this.child.pid]; next.length > 0;) {
      for (const pid of next) signal(pid, "SIGSTOP");
      stopped.push(...next);
      next = (await childrenOf(new Set(stopped))).filter((pid) => !stopped.includes(pid));
    }
    for (const pid of stopped) signal(pid, "SIGKILL");
  }

  /** SIGKILL to the process and all its children. */
  killGroup(): void {
    if (this.child.pid === undefined) return;
    signal(-this.child.pid, "SIGKILL");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function childrenOf(parents: ReadonlySet<number>): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const parent = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
      return parents.has(parent) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Runs a command to its end, whatever that is. */
export async function run(command: string, args: readonly string[], options: Options = {}): Promise<Result> {
  return await new Running(command, args, options).done;
}

/** Runs a command that must succeed. */
export async function runOk(
  command: string,
  args: readonly string[],
  options: Options = {},
): Promise<Result> {
  const result = await run(command, args, options);
  if (result.code !== 0)
    throw new Error(`${command} ${args.join(" ")}: exit ${result.code}\n${result.output}`);
  return result;
}

/** A docker command that must succeed; what it printed, without the last line end. */
export async function docker(...args: string[]): Promise<string> {
  return (await runOk("docker", args)).stdout.trimEnd();
}

/** Waits until `condition` holds. Throws with `what` when it has not in `limitMs`. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = 240_000,
): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
