import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { request } from "node:http";
import { homedir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { messageOf } from "../message-of.ts";
import type { StackId } from "../config/names.ts";
import type { LocalHostSettings } from "../config/host-schema.ts";
import { type Observation, parseObservation } from "./observation.ts";
import { runProgram } from "./process.ts";

const LOOK_TIMEOUT_MS = 5000;
/** The first engine API that can probe quickly while a container starts (Docker 25). */
export const START_INTERVAL_API = 1.44;

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

/** Where an engine keeps its images, if nobody told it another place. */
const ENGINE_DATA = "/var/lib/docker";

/** What is left of the disks that the engine and the stack keep their data on, the fuller of both; in MB. */
export async function localDiskFreeMb(directory: string): Promise<number> {
  const free = [ENGINE_DATA, directory].map(async (folder) => {
    const { bavail, bsize } = await statfs(nearest(folder));
    return Math.floor((bavail * bsize) / 1024 / 1024);
  });
  return Math.min(...(await Promise.all(free)));
}

/** The folder itself, or where it would be made. */
function nearest(folder: string): string {
  return existsSync(folder) ? folder : nearest(dirname(folder));
}

/**
 * Asks the engine for its API version, which takes a few milliseconds.
 * @throws Error that names the socket and what to do, when no engine answers there within 5 s
 */
export async function localApiVersion(settings: LocalHostSettings): Promise<number> {
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
      `no Docker engine answers at ${settings.engine} (${messageOf(error)}); ` +
        "start it (`make dev` does), or name its socket: pulumi config set --path host.engine unix:///path/docker.sock",
    );
  });
  return Number(/"ApiVersion":\s*"(\d+\.\d+)"/.exec(body)?.[1] ?? 0);
}

/** What the host says of the stack, once there was an `up`. */
export async function observeLocal(directory: string): Promise<Observation> {
  const script = join(directory, "bin", "observe.sh");
  if (!existsSync(script)) return { scripts: "missing" };
  const { code, stdout, stderr } = await runProgram([script, directory], { timeoutMs: LOOK_TIMEOUT_MS });
  if (code !== 0) throw new Error(stderr.trim() || `${script}: ${code}`);
  return parseObservation(stdout);
}
