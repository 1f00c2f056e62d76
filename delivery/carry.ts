import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { run } from "../toolchain/setup/commands.ts";
import { type Deployed, lastDeployed } from "./history.ts";
import { carryReleases, carryWhole } from "./releases.ts";

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
 * Writes a stack's last update into its file of this checkout: its releases, or all that is no secret.
 * @returns false where there was no update yet, and the file is left as it is
 */
export async function carryInto(
  checkout: string,
  stack: string,
  env: NodeJS.ProcessEnv,
  what: "releases" | "whole" = "releases",
): Promise<boolean> {
  const deployed = await askDeployed(checkout, stack, env);
  if (deployed === undefined) return false;
  const file = join(checkout, `Pulumi.${stack}.yaml`);
  const text = await readFile(file, "utf8");
  const carried =
    what === "whole" ? carryWhole(text, deployed) : carryReleases(text, deployed, await projectOf(checkout));
  await writeFile(file, carried);
  return true;
}
