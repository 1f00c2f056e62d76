import { ageOf } from "./time.ts";
import type { Color } from "../../components/config/schema.ts";
import { type Unfinished, describeUnfinished, unfinished } from "../../components/ledger/unfinished.ts";
import type { LedgerEntry } from "../../components/ledger/entry.ts";
import { type StackContainer, stackContainers } from "../containers.ts";
import { type GatewayState, type KnownHost, RECENT, gatewayState, reachHost, readLedger } from "../host.ts";
import { textOf } from "../config-file.ts";
import { type KeyDifference, keyDifferences, slotIn } from "../release-keys.ts";
import { type Stack, openStack } from "../stack.ts";
import { agreeing, takenBack } from "../watch/taken-back.ts";
import { table } from "./table.ts";

/** One stack at a glance. */
export interface Status {
  readonly stack: string;
  readonly url: string | null;
  /** By the gateway's own word; `null` where it does not answer. */
  readonly gateway: GatewayState | null;
  /** What the state and the config's file say is live. */
  readonly believed: { readonly state: Color; readonly config: string };
  readonly releases: Readonly<
    Record<Color, { readonly state: string | null; readonly config: string | null }>
  >;
  /** The keys of the config's file that are not as they were brought up last. */
  readonly differs: readonly KeyDifference[];
  readonly containers: readonly StackContainer[];
  /** The release that the watch took the visitors back from, where the state does not say so yet. */
  readonly takenBack: string | null;
  /** Commands that began and did not end: cut off, or at work. */
  readonly unfinished: readonly Unfinished[];
}

/** @throws Refusal where nothing was brought up yet */
export async function status(name: string, folder: string): Promise<Status> {
  const stack = await openStack(name, folder);
  return await statusOf(stack, await reachHost(stack));
}

async function statusOf(stack: Stack, host: KnownHost): Promise<Status> {
  const [gateway, containers, entries] = await Promise.all([
    gatewayState(host),
    stackContainers(host, { project: stack.project, stack: stack.name }),
    readLedger(host, RECENT),
  ]);
  return statusFrom(stack, { gateway, containers, entries });
}

/** What a host told of a stack; one that did not answer nothing. */
export interface Told {
  readonly gateway?: GatewayState | undefined;
  readonly containers?: readonly StackContainer[];
  readonly entries?: readonly LedgerEntry[];
}

/** The status of a stack that was opened, from what its host told. */
export function statusFrom(
  { name, record, config, url }: Pick<Stack, "name" | "record" | "config" | "url">,
  { gateway, containers = [], entries = [] }: Told,
): Status {
  const release = (color: Color) => {
    const wanted = slotIn(config.values, color)["release"];
    return { state: record?.slots[color]?.release ?? null, config: textOf(wanted) ?? null };
  };
  return {
    stack: name,
    url: url ?? null,
    gateway: gateway ?? null,
    believed: { state: record?.live ?? "blue", config: textOf(config.values["active"]) ?? "nothing" },
    releases: { blue: release("blue"), green: release("green") },
    differs: record === undefined ? [] : keyDifferences(config.values, record),
    containers,
    takenBack: (record && takenBack(entries, record)) ?? null,
    unfinished: unfinished(entries),
  };
}

/** For a person; `now` in milliseconds. */
export function renderStatus(status: Status, now: number): string {
  const { gateway, stack, url } = status;
  const live = gateway === null ? "unknown: the gateway does not answer" : (gateway.live ?? "none yet");
  const canary =
    gateway !== null && gateway.canary > 0 ? `, ${gateway.canary} % of visitors on the other colour` : "";
  const rows = status.containers.map(({ name, release, health, startedAt, restarts, color }) => [
    name,
    release,
    health,
    health === "healthy" || health === "running" ? ageOf(now - Date.parse(startedAt)) : "",
    restarts > 0 ? `restarted ${restarts} times` : "",
    color !== "" && color === gateway?.live ? "← live" : "",
  ]);
  return [
    `${stack}  ${url ?? ""}`,
    `live  ${live}${canary}`,
    ...(gateway?.maintenance === undefined
      ? []
      : [
          `maintenance  on: visitors get the page; npx bluegreen maintenance off --stack ${stack} lets them in`,
        ]),
    "",
    table([["container", "release", "health", "up", "", ""], ...rows]),
    ...standing(status).map((line) => `${line}\n`),
  ].join("\n");
}

/** What was left in the middle, and how to go on. */
export function standing(status: Status): readonly string[] {
  return [
    ...status.unfinished.map((one) => `! ${describeUnfinished(one)}`),
    ...differences(status).map((line) => `! ${line}`),
  ];
}

/** Where the config's file, the state and the host say different things. */
export function differences({ stack, gateway, believed, differs, takenBack }: Status): readonly string[] {
  const file = differs.map(({ key, file, state }) => `${key} ${file}, brought up ${state}`);
  return [
    ...(takenBack === null
      ? []
      : [
          `the watch took the visitors back from release ${takenBack}, and the state does not say so yet: ${agreeing(stack)} makes it`,
        ]),
    ...(takenBack === null && gateway?.live !== undefined && gateway.live !== believed.state
      ? [
          `the state says ${believed.state} is live, the host says ${gateway.live}: pulumi up --stack ${stack} makes them agree`,
        ]
      : []),
    ...(file.length > 0
      ? [
          `Pulumi.${stack}.yaml is not what was brought up last (${file.join("; ")}): pulumi up --stack ${stack} carries it out, ` +
            `npx bluegreen rollback --stack ${stack} makes it say what runs`,
        ]
      : []),
  ];
}
