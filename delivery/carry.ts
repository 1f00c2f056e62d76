import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "../toolchain/setup/commands.ts";
import { commandEnv } from "../toolchain/setup/env.ts";
import { carryReleases } from "./releases.ts";

const LIMIT_MS = 120_000;
const PROJECT = "bluegreen";
/** What the engine says before a stack's first update. */
const NONE_YET = /no previous deployment/i;

/**
 * Writes the releases of a stack's last update into its file of this checkout.
 * @returns false where there was no update yet, and the file is left as it is
 */
export async function carryInto(checkout: string, stack: string): Promise<boolean> {
  const file = join(checkout, `Pulumi.${stack}.yaml`);
  const text = await readFile(file, "utf8");
  const folder = await mkdtemp(join(tmpdir(), "bluegreen-config-"));
  try {
    const copy = join(folder, `Pulumi.${stack}.yaml`);
    await writeFile(copy, text);
    const args = [
      "config",
      "refresh",
      "--force",
      "--stack",
      stack,
      "--config-file",
      copy,
      "--non-interactive",
    ];
    const { ok, output } = await attempt("pulumi", args, {
      cwd: checkout,
      env: await commandEnv(),
      timeoutMs: LIMIT_MS,
    });
    if (!ok && NONE_YET.test(output)) return false;
    if (!ok) throw new Error(`the config of ${stack}'s last update cannot be read: ${output.trim()}`);
    await writeFile(file, carryReleases(text, await readFile(copy, "utf8"), PROJECT));
    return true;
  } finally {
    await rm(folder, { recursive: true });
  }
}
