import { z } from "zod";
import { parseLines } from "../components/host/observation.ts";
import { READ, type KnownHost } from "./host.ts";

/** One container of a stack, as the engine tells it. */
export interface StackContainer {
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly release: string;
  readonly color: string;
  readonly settings: string;
  /** `healthy`, `unhealthy`, `starting`, or the state of a container that does not run. */
  readonly health: string;
  readonly startedAt: string;
  readonly restarts: number;
}

const inspected = z.array(
  z.object({
    Name: z.string(),
    Image: z.string(),
    RestartCount: z.number(),
    Config: z.object({ Image: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
    State: z.object({
      Status: z.string(),
      StartedAt: z.string(),
      Health: z.object({ Status: z.string() }).nullish(),
    }),
  }),
);

/**
 * The stack's containers by name; those of a migration that runs are among them.
 * @throws HostError where the engine does not say
 */
export async function stackContainers(
  host: KnownHost,
  { project, stack }: { readonly project: string; readonly stack: string },
): Promise<readonly StackContainer[]> {
  // One call over SSH for both commands. What is removed between them, as during a release, is not there the second time.
  const script =
    "for turn in 1 2; do " +
    'ids=$(docker ps --all --quiet --filter "label=bluegreen.project=$1" --filter "label=bluegreen.stack=$2") || exit 1; ' +
    'if [ -z "$ids" ]; then echo "[]"; exit 0; fi; ' +
    'if told=$(docker inspect --type container $ids); then printf "%s\\n" "$told"; exit 0; fi; ' +
    "done; exit 1";
  const text = await host.ask(["sh", "-c", script, "sh", project, stack], "", READ);
  return inspected
    .parse(JSON.parse(text))
    .map(({ Name, Image, RestartCount, Config, State }) => ({
      name: Name.replace(/^\//, ""),
      image: Config.Image,
      imageId: Image,
      release: Config.Labels?.["bluegreen.release"] ?? "",
      color: Config.Labels?.["bluegreen.color"] ?? "",
      settings: Config.Labels?.["bluegreen.settings"] ?? "",
      health: State.Status === "running" ? (State.Health?.Status ?? "running") : State.Status,
      startedAt: State.StartedAt,
      restarts: RestartCount,
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The ids of the images that these names stand for on the host now, by name. One with a digest always stands for the same: not asked. */
export async function taggedImages(
  host: KnownHost,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const tags = [...new Set(names)].filter((name) => !name.includes("@sha256:"));
  if (tags.length === 0) return new Map();
  const script =
    'for name; do id=$(docker image inspect --format "{{.Id}}" "$name" 2>/dev/null) && echo "$name $id"; done; true';
  return parseLines(await host.ask(["sh", "-c", script, "sh", ...tags], "", READ));
}
