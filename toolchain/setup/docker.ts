import { z } from "zod";
import { attempt, run } from "./commands.ts";

/** The project whose objects these commands look after. */
export const PROJECT = "bluegreen";

const inspected = z.object({
  Id: z.string(),
  Name: z.string().transform((name) => name.replace(/^\//, "")),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).optional(),
  }),
  Config: z.object({ Image: z.string(), Labels: z.record(z.string(), z.string()).nullable() }),
  Mounts: z.array(z.object({ Source: z.string().optional(), Destination: z.string() })),
});
export type Container = z.infer<typeof inspected>;

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

export async function engineAnswers(): Promise<boolean> {
  return (await attempt("docker", ["version"], { timeoutMs: 20_000 })).ok;
}

/** Every container of a stack, also the ones that ended. */
export async function containersOf(stack: string): Promise<Container[]> {
  const filters = [`label=bluegreen.project=${PROJECT}`, `label=bluegreen.stack=${stack}`];
  const args = ["ps", "--all", "--quiet", "--no-trunc", ...filters.flatMap((filter) => ["--filter", filter])];
  const ids = lines(await run("docker", args));
  if (ids.length === 0) return [];
  // One of them may be gone by now: the others are still printed.
  const { stdout } = await attempt("docker", ["container", "inspect", ...ids]);
  return z.array(inspected).parse(JSON.parse(stdout));
}

export interface Leftovers {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

async function named(kind: "network" | "volume", prefix: string): Promise<string[]> {
  const names = lines(
    await run("docker", [kind, "ls", "--format", "{{.Name}}", "--filter", `name=${prefix}`]),
  );
  return names.filter((name) => name === prefix || name.startsWith(`${prefix}-`));
}

/** What the engine has of one stack. */
export async function objectsOf(stack: string): Promise<Leftovers> {
  const prefix = `${PROJECT}-${stack}`;
  return {
    containers: (await containersOf(stack)).map((container) => container.Name),
    networks: await named("network", prefix),
    volumes: await named("volume", prefix),
  };
}

/** What the engine has of all stacks of the project, by their labels. */
export async function objectsOfProject(): Promise<Leftovers> {
  const filter = ["--filter", `label=bluegreen.project=${PROJECT}`];
  const [containers, networks, volumes] = await Promise.all([
    run("docker", ["ps", "--all", "--quiet", ...filter]),
    run("docker", ["network", "ls", "--quiet", ...filter]),
    run("docker", ["volume", "ls", "--quiet", ...filter]),
  ]);
  return { containers: lines(containers), networks: lines(networks), volumes: lines(volumes) };
}

export const isEmpty = ({ containers, networks, volumes }: Leftovers): boolean =>
  containers.length + networks.length + volumes.length === 0;

/** The commands that remove things, in an order that works. */
export function removalCommands({ containers, networks, volumes }: Leftovers): string[][] {
  const commands = [
    ["rm", "--force", ...containers],
    ["network", "rm", ...networks],
    ["volume", "rm", ...volumes],
  ];
  return commands.filter((command) => command.length > 2).map((command) => ["docker", ...command]);
}

/** Images made here: stand-ins, their base, the sample's releases and what the tests built. */
export async function ownImages(): Promise<string[]> {
  const filters = ["label=bluegreen.stand-in", "label=bluegreen.sample", "reference=bluegreen-*"];
  const found = await Promise.all(
    filters.map((filter) =>
      run("docker", ["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", filter]),
    ),
  );
  return [...new Set(found.flatMap(lines))].filter((image) => !image.includes("<none>"));
}
