import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { homedir, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StackId } from "../config/names.ts";
import type { LocalHostSettings } from "../config/schema.ts";
import { type Observation, parseObservation } from "./observation.ts";

const run = promisify(execFile);
const LOOK_TIMEOUT_MS = 5000;
/** The first engine API that can probe quickly while a container starts (Docker 25). */
const START_INTERVAL_API = 1.44;

/** Where a stack on this machine keeps its files: the config's word, else the user's state folder. */
export function localDirectory(settings: LocalHostSettings, { project, stack }: StackId): string {
  const named = process.env["XDG_STATE_HOME"] ?? "";
  const stateHome = named.startsWith("/") ? named : join(homedir(), ".local", "state");
  return settings.directory ?? join(stateHome, "bluegreen", `${project}-${stack}`);
}

/** Memory in MB that the stack may count on. */
export function localMemoryMb(settings: LocalHostSettings): number {
  return settings.memoryMb ?? Math.floor(totalmem() / 1024 / 1024);
}

/**
 * Asks the engine for its API version, which takes a few milliseconds.
 * @throws Error that names the socket and what to do, when no engine answers there within 5 s
 */
export async function canStartInterval(settings: LocalHostSettings): Promise<boolean> {
  const socketPath = settings.engine.replace(/^unix:\/\//, "");
  const body = await new Promise<string>((resolve, reject) => {
    const call = request({ socketPath, path: "/version", timeout: LOOK_TIMEOUT_MS }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        resolve(Buffer.concat(chunks).toString());
      });
      answer.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${LOOK_TIMEOUT_MS} ms`)));
    call.on("error", reject);
    call.end();
  }).catch((error: unknown) => {
    throw new Error(
      `no Docker engine answers at ${settings.engine} (${error instanceof Error ? error.message : String(error)}); ` +
        "start it (`make dev` does), or name its socket: pulumi config set --path host.engine unix:///path/docker.sock",
    );
  });
  const apiVersion = /"ApiVersion":\s*"(\d+\.\d+)"/.exec(body)?.[1];
  return apiVersion !== undefined && Number(apiVersion) >= START_INTERVAL_API;
}

const RUN_TIMEOUT_MS = 180_000;

/** Runs a command on this machine. Throws with what it wrote to stderr when it fails or takes longer than 3 min. */
export async function runLocal(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const [file = "", ...rest] = words;
  try {
    await run(file, rest, { timeout: RUN_TIMEOUT_MS, env: { ...process.env, ...environment } });
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(said || `${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** What the host says of the stack, once there was an `up`. */
export async function observeLocal(directory: string): Promise<Observation> {
  const script = join(directory, "bin", "observe.sh");
  if (!existsSync(script)) return { scripts: "missing" };
  const { stdout } = await run(script, [directory], { timeout: LOOK_TIMEOUT_MS });
  return parseObservation(stdout);
}
