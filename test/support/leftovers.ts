import { existsSync } from "node:fs";

import { oneAtATime } from "./one-at-a-time.ts";
import { docker, run } from "./process.ts";
import { dockerOn, localTarget } from "./target.ts";

/** Stacks of these tests are named `e2e-<purpose>-<pid>`: two runs do not meet, and what a cut-off one left is known. */
export const prefix = "e2e-";

/** Whether a test process has ended. */
const isGone = (pid: string): boolean => !existsSync(`/proc/${pid}`);

/** Stacks with containers, networks or volumes on the engine whose test process is gone. */
async function deadStacks(): Promise<string[]> {
  const lists = await Promise.all([
    docker("ps", "--all", "--format", "{{.Names}}"),
    docker("network", "ls", "--format", "{{.Name}}"),
    docker("volume", "ls", "--format", "{{.Name}}"),
  ]);
  const found = lists.join("\n").matchAll(/^bluegreen-(e2e-[a-z]+-(\d+))(?:-|$)/gm);
  const dead = [...found].filter(([, , pid = ""]) => isGone(pid)).map(([, stack = ""]) => stack);
  return [...new Set(dead)];
}

/** Releases of the sample whose test process is gone. */
async function deadImages(): Promise<string[]> {
  const names = await docker(
    "image",
    "ls",
    "--format",
    "{{.Repository}}:{{.Tag}}",
    "--filter",
    `reference=*:${prefix}*`,
  );
  return names.split("\n").filter((name) => {
    const pid = /:e2e-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && isGone(pid);
  });
}

/** Removes what cut-off test runs left; one process at a time, as nothing can be removed twice. */
export async function removeDeadStacks(): Promise<void> {
  await oneAtATime("test-leftovers", async () => {
    for (const dead of await deadStacks()) await removeLeftovers(dead);
    const images = await deadImages();
    // What they were built from stays: the next run's are built from it in a second.
    if (images.length > 0) await run("docker", ["image", "rm", "--no-prune", ...images]);
  });
}

/** Removes the containers, networks and volumes that are named after a stack. */
export async function removeLeftovers(stack: string, target = localTarget()): Promise<void> {
  const docker = (...words: string[]): Promise<string> => dockerOn(target, ...words);
  const name = `bluegreen-${stack}`;
  const list = async (...args: string[]): Promise<string[]> =>
    (await docker(...args)).split("\n").filter(Boolean);
  const mine = (found: string): boolean => found === name || found.startsWith(`${name}-`);
  const containers = await list("ps", "--all", "--format", "{{.Names}}", "--filter", `name=^${name}-`);
  if (containers.length > 0) await docker("rm", "--force", "--volumes", ...containers);
  const networks = (await list("network", "ls", "--format", "{{.Name}}")).filter(mine);
  if (networks.length > 0) await docker("network", "rm", ...networks);
  const volumes = (await list("volume", "ls", "--quiet")).filter(mine);
  if (volumes.length > 0) await docker("volume", "rm", "--force", ...volumes);
}
