import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { run } from "../toolchain/setup/commands.ts";
import { stackOf } from "./branches.ts";
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
 * Writes the releases of a stack's last update into its file of this checkout.
 * @returns false where there was no update yet, and the file is left as it is
 */
export async function carryInto(checkout: string, stack: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const deployed = await askDeployed(checkout, stack, env);
  if (deployed === undefined) return false;
  const file = fileOf(checkout, stack);
  const text = await readFile(file, "utf8");
  await writeFile(file, carryReleases(text, deployed, await projectOf(checkout)));
  return true;
}

/** Where a last update goes whole. */
export interface Onto {
  /** A checkout of that update's commit. */
  readonly folder: string;
  /** The ref that our own checkout is of. */
  readonly ref: string;
}

/**
 * Writes all of a stack's last update into its file of a checkout of that update's commit. Secrets, which the update does not show, are
 * those of our own checkout where its branch is the stack's: the commit has them as they were before one was set at a desk, and
 * pushed. Where it is another's (every `drift` is of the default branch), the commit's are the later ones.
 * @returns false where there was no update yet, and the file is left as it is
 * @throws Error with the keys of secrets that neither has
 */
export async function carryOnto(
  checkout: string,
  stack: string,
  env: NodeJS.ProcessEnv,
  { folder, ref }: Onto,
): Promise<boolean> {
  const deployed = await askDeployed(checkout, stack, env);
  if (deployed === undefined) return false;
  const branch = await readFile(fileOf(checkout, stack), "utf8");
  // A stack's first update may come before anybody commits its file.
  const commit = await readFile(fileOf(folder, stack), "utf8").catch(() => branch);
  const [file, other] = stackOf(ref) === stack ? [branch, commit] : [commit, branch];
  await writeFile(fileOf(folder, stack), carryWhole(file, other, deployed));
  return true;
}

const fileOf = (checkout: string, stack: string) => join(checkout, `Pulumi.${stack}.yaml`);
