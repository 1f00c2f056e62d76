import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import lockfile from "proper-lockfile";

/** What programs make of a folder, in the folder itself. */
const MADE = /(^|\/)(__pycache__|\.pytest_cache|\.venv|node_modules|dist)\//;

/**
 * A key for what is in folders: names, contents and whether a file may be run. READMEs don't count, nor do times
 * and what is made from the rest.
 * `extra` is what else decides the result: a version, a base image.
 */
export async function contentKey(folders: readonly string[], extra: readonly string[] = []): Promise<string> {
  const hash = createHash("sha256");
  for (const text of extra) hash.update(`extra ${text}\0`);
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && !["README.md", ".packages.lock"].includes(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !MADE.test(relative(folder, file)))
      .sort();
    for (const file of files) {
      const mode = (await stat(file)).mode & 0o100 ? "x" : "-";
      hash
        .update(`${relative(folder, file)}\0${mode}\0`)
        .update(await readFile(file))
        .update("\0");
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * Runs work that no other process of this user may do at the same time. A lock of a killed process is taken over
 * after a minute.
 */
export async function exclusively<T>(
  locks: string,
  name: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(locks, { recursive: true });
  const options = { realpath: false, stale: 60_000, update: 5_000 };
  const target = join(locks, name);
  const release = await lockfile.lock(target, options).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ELOCKED")) throw error;
    onWait();
    // As long as the longest build may take, with some to spare.
    return lockfile.lock(target, { ...options, retries: { retries: 3600, factor: 1, minTimeout: 1000 } });
  });
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * The folder `<cache>/<part>-<key>`, made by `make` when it is not there. It appears whole or not at all: `make` fills
 * a folder beside it, which is then renamed.
 */
export async function cachedFolder(
  cache: string,
  part: string,
  key: string,
  onWait: () => void,
  make: (folder: string) => Promise<void>,
): Promise<{ readonly folder: string; readonly made: boolean }> {
  const folder = join(cache, `${part}-${key}`);
  if (existsSync(folder)) return { folder, made: false };
  return exclusively(join(cache, "locks"), `${part}-${key}`, onWait, async () => {
    if (existsSync(folder)) return { folder, made: false };
    const unfinished = join(cache, `.unfinished-${part}-${key}`);
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await make(unfinished);
    await rename(unfinished, folder);
    return { folder, made: true };
  });
}
