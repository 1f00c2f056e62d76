import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../components/message-of.ts";
import { attempt, run, tail } from "../../toolchain/setup/commands.ts";
import { type Answer, type SmokeCheck, judgeAnswer } from "./checks.ts";

const PORT = 8000;
const START_LIMIT_MS = 90_000;
const ASK_EVERY_MS = 250;
const LOG_LINES = "20";

/** As every container of a stack runs: nothing to write to, no rights, and no memory beyond its limit. */
export const hardened = (memoryMb: number): readonly string[] => [
  "--memory",
  `${memoryMb}m`,
  "--memory-swap",
  `${memoryMb}m`,
  "--read-only",
  "--tmpfs",
  "/tmp",
  "--cap-drop",
  "ALL",
  "--security-opt",
  "no-new-privileges:true",
];

export const environment = (lines: readonly string[]) => lines.flatMap((line) => ["--env", line]);

export type Readiness = "ready" | "waiting" | "never";
export const readyWhen = (holds: boolean): Readiness => (holds ? "ready" : "waiting");

/** A network that nobody else is in, for one image and what it needs beside it. */
export interface Trial {
  /** An empty folder. */
  readonly folder: string;
  /** Starts a container, by this name for the others; the words are those after `docker run`. */
  start(what: string, ...words: readonly string[]): Promise<string>;
  /** Runs a container to its end, which has to be a good one. */
  finish(what: string, ...words: readonly string[]): Promise<void>;
  /** @throws Error with the container's last lines when it is not ready in time, ends, or never will be */
  until(what: string, container: string, look: () => Promise<Readiness>): Promise<void>;
  /** @throws Error where nothing answers */
  ask(container: string, path: string, timeoutSeconds: number): Promise<Answer>;
  /** What is wrong with a container's answers. */
  judge(container: string, checks: readonly SmokeCheck[]): Promise<readonly string[]>;
}

/** Works in a trial. Whatever the end, nothing of it is left. */
export async function inTrial<T>(work: (trial: Trial) => Promise<T>): Promise<T> {
  const name = `bluegreen-smoke-${process.pid}`;
  const folder = await mkdtemp(join(tmpdir(), "bluegreen-smoke-"));
  const containers: string[] = [];
  const around = (what: string) => {
    const container = `${name}-${what}`;
    containers.push(container);
    return ["--name", container, "--network", name, "--network-alias", what];
  };
  try {
    await run("docker", ["network", "create", "--internal", name]);
    return await work({
      folder,
      start: async (what, ...words) => {
        await run("docker", ["run", "--detach", ...around(what), ...words]);
        return `${name}-${what}`;
      },
      finish: async (what, ...words) => {
        await run("docker", ["run", "--rm", ...around(what), ...words]);
      },
      until,
      ask,
      judge: async (container, checks) => {
        const problems = await Promise.all(checks.map((check) => problemOf(container, check)));
        return problems.filter((problem) => problem !== undefined);
      },
    });
  } finally {
    if (containers.length > 0) await attempt("docker", ["rm", "--force", "--volumes", ...containers]);
    await attempt("docker", ["network", "rm", name]);
    await rm(folder, { recursive: true });
  }
}

async function until(what: string, container: string, look: () => Promise<Readiness>): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found === "ready") return;
    const { stdout } = await attempt("docker", ["inspect", "--format", "{{.State.Running}}", container]);
    if (found === "never" || Date.now() > limit || stdout.trim() !== "true") break;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  const { output } = await attempt("docker", ["logs", "--tail", LOG_LINES, container]);
  throw new Error(`${what} did not get ready; its last lines:\n${tail(output, Number(LOG_LINES))}`);
}

async function ask(container: string, path: string, timeoutSeconds: number): Promise<Answer> {
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  const address = (await run("docker", ["inspect", "--format", format, container])).trim();
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  const answer = await fetch(`http://${address}:${PORT}${path}`, { signal, redirect: "manual" });
  const cacheControl = answer.headers.get("cache-control") ?? "";
  return { status: answer.status, cacheControl, body: await answer.text() };
}

async function problemOf(container: string, check: SmokeCheck): Promise<string | undefined> {
  try {
    return judgeAnswer(check, await ask(container, check.path, check.timeoutSeconds));
  } catch (error) {
    return `${check.path} did not answer (${messageOf(error)})`;
  }
}
