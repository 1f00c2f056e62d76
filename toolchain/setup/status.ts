import { table } from "../../release/show/table.ts";
import { ageOf } from "../../release/show/time.ts";
import { parseLines } from "../../components/host/observation.ts";
import { attempt } from "./commands.ts";
import { type Container, containersOf } from "./docker.ts";
import { commandEnv } from "./env.ts";
import { STAND_IN, imageLabels } from "./images.ts";
import { STACK, stackOutputs } from "./stack.ts";

export interface Row {
  readonly name: string;
  readonly release: string;
  readonly health: string;
  readonly age: string;
  readonly memory: string;
  readonly standIn: boolean;
}

/** One screen: which colour is live by the gateway's own word, and every container. */
export function renderStatus(
  url: string,
  gateway: ReadonlyMap<string, string> | undefined,
  rows: readonly Row[],
): string {
  if (rows.length === 0) return `no containers of the stack "${STACK}" on this engine: make dev\n`;
  const live =
    gateway === undefined ? "unknown (the gateway does not answer)" : (gateway.get("live") ?? "none");
  const canary = Number(gateway?.get("canary") ?? 0);
  const head = ["container", "release", "health", "up", "memory", ""];
  const marked = rows.map((row) => [
    row.name,
    row.release,
    row.health,
    row.age,
    row.memory,
    [row.name.endsWith(`-${live}`) ? "← live" : "", row.standIn ? "stand-in image" : ""]
      .filter(Boolean)
      .join(", "),
  ]);
  const standIns = rows.some((row) => row.standIn)
    ? "\n  Stand-in images are built from Debian packages: the official ones could not be pulled here.\n"
    : "";
  return `
  ${url}
  live  ${live}${canary > 0 ? `, and ${canary} % of the visitors on the other colour` : ""}

${table([head, ...marked].map((row) => ["", ...row]))}${standIns}`;
}

async function askGateway(
  containers: readonly Container[],
): Promise<ReadonlyMap<string, string> | undefined> {
  const mount = containers
    .find(({ Name }) => Name.endsWith("-gateway"))
    ?.Mounts.find(({ Destination }) => Destination === "/run/bluegreen");
  if (mount?.Source === undefined) return undefined;
  // The engine's side of the mount, so that any checkout or user finds it.
  const socket = `${mount.Source}/control.sock`;
  const args = ["--silent", "--fail", "--max-time", "2", "--unix-socket", socket, "http://gateway/state"];
  const ran = await attempt("curl", args);
  return ran.ok ? parseLines(ran.stdout) : undefined;
}

async function memoryOf(): Promise<ReadonlyMap<string, string>> {
  const ran = await attempt("docker", ["stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"]);
  return parseLines(ran.stdout);
}

async function rowOf(container: Container, memory: ReadonlyMap<string, string>): Promise<Row> {
  const { State: state, Config: config } = container;
  const labels = await imageLabels(container.Image);
  return {
    name: container.Name,
    release: config.Labels?.["bluegreen.release"] ?? "",
    health: state.Status === "running" ? (state.Health?.Status ?? "running") : state.Status,
    age: state.Status === "running" ? ageOf(Date.now() - Date.parse(state.StartedAt)) : "",
    memory: memory.get(container.Name)?.split(" / ")[0] ?? "",
    standIn: labels?.[STAND_IN] === config.Image,
  };
}

export async function printStatus(): Promise<number> {
  const env = await commandEnv();
  const [containers, out, memory] = await Promise.all([containersOf(STACK), stackOutputs(env), memoryOf()]);
  const rows = await Promise.all(containers.map((container) => rowOf(container, memory)));
  rows.sort((a, b) => a.name.localeCompare(b.name));
  process.stdout.write(renderStatus(out?.url ?? "", await askGateway(containers), rows));
  return 0;
}
