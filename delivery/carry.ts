import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { run } from "../toolchain/setup/commands.ts";
import { type Deployed, lastDeployed } from "./history.ts";
import { carryReleases } from "./releases.ts";

const LIMIT_MS = 120_000;
/** Updates that failed one after the other, and then some. */
const PAGE = "50";

const project = z.object({ name: z.string() });

/** What a stack's last successful update was made from; undefined before the first. */
export async function askDeployed(
  checkout: string,
  stack: string,
  env: NodeJS.ProcessEnv,
): Promise<Deployed | undefined> {
  const args = ["stack", "history", "--json", "--page-size", PAGE, "--stack", stack, "--non-interactive"];
  return lastDeployed(await run("pulumi", args, { cwd: checkout, env, timeoutMs: LIMIT_MS }));
}

/** The name of a checkout's project, which its config's keys begin with. */
export async function projectOf(checkout: string): Promise<string> {
  return project.parse(parse(await readFile(join(checkout, "Pulumi.yaml"), "utf8"))).name;
}

/**
 * Writes the releases of a stack's last update into its file of this checkout.
 * @returns false where there was no update yet, and the file is left as it is
 */
export async function carryInto(checkout: string, stack: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const deployed = await askDeployed(checkout, stack, env);
  if (deployed === undefined) return false;
  const name = await projectOf(checkout);
  const file = join(checkout, `Pulumi.${stack}.yaml`);
  await writeFile(file, carryReleases(await readFile(file, "utf8"), deployed, name));
  return true;
}
