import { readFile, readdir } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { parsedJson } from "../../components/parsed-json.ts";

/** A lock of the engine's on a stack: an update runs, or was killed and left it. */
export interface StateLock {
  /** `user@machine, process 123`. */
  readonly by: string;
  readonly since: string;
  /** Whether that process still runs; `undefined` where it is another machine's. */
  readonly runs: boolean | undefined;
}

const lockFile = z.object({
  pid: z.int(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.string(),
});

/**
 * The locks on a stack where the state is a folder of this machine; `undefined` of a state elsewhere, which only the engine knows.
 * @param backend the state's address, as `pulumi whoami --verbose` gives it
 */
export async function stateLocks(
  backend: string,
  { project, name }: { readonly project: string; readonly name: string },
): Promise<readonly StateLock[] | undefined> {
  const root = folderOf(backend);
  if (root === undefined) return undefined;
  const folder = join(root, ".pulumi/locks/organization", project, name);
  const files = await readdir(folder).catch(() => []);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8").catch(() => "")));
  return texts.flatMap((text) => {
    const read = lockFile.safeParse(parsedJson(text));
    return read.success ? [lockOf(read.data)] : [];
  });
}

function folderOf(backend: string): string | undefined {
  if (backend.startsWith("file://~")) return join(homedir(), backend.slice("file://~".length));
  return backend.startsWith("file:///") ? fileURLToPath(backend) : undefined;
}

function lockOf({ pid, username, hostname: machine, timestamp }: z.infer<typeof lockFile>): StateLock {
  const since = timestamp.replace(/\.\d+/, "");
  return {
    by: `${username}@${machine}, process ${pid}`,
    since,
    runs: machine === hostname() ? isAlive(pid) : undefined,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process, and a process all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
