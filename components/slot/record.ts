import { z } from "zod";
import { origin } from "./origin.ts";
import type { SecretsOfRelease } from "../data/application-secrets.ts";
import type { Slots } from "./plan.ts";
import { certificateRecord } from "../edge/certificate-plan.ts";
import { zoneRecord } from "../edge/zone-record.ts";
import { COLORS } from "../config/schema.ts";
import { switchReport } from "../gateway/switch/switch-report.ts";
import { contractRecord } from "./contract.ts";
import { recentRelease } from "../ledger/recent.ts";
import { ec2Record } from "../host/ec2/record.ts";
import { type ContainerSpec, containerSpec } from "../host/container.ts";
import { PARTS } from "./parts.ts";

/** One slot as its release began: what it is made from until its next release, whatever else changes. */
export const slotSpec = z.strictObject({
  release: z.string(),
  images: z.strictObject({
    api: z.string(),
    web: z.string().optional(),
    worker: z.string().optional(),
  }),
  ...origin,
  /** How long open connections may go on when this slot's next release replaces it. */
  drainSeconds: z.int(),
  /** The version of the database's password that the release logs in with. */
  passwordVersion: z.int().default(1),
  /** The number of the set of application secrets that it reads; 0: it has none. */
  secretSet: z.int().default(0),
  /** The plan by which migrate.sh brings the database to the release's shape. */
  migration: z.string().nullable(),
  /** The paths that stay the API's, where the slot has a web server. */
  apiPaths: z.array(z.string()).optional(),
  containers: z.strictObject({
    api: containerSpec,
    web: containerSpec.optional(),
    worker: containerSpec.optional(),
    beat: containerSpec.optional(),
  }),
});
export type SlotSpec = z.infer<typeof slotSpec>;

/** The containers that a slot has, in the order of `PARTS`. */
export function containersOf({ containers }: Pick<SlotSpec, "containers">): readonly ContainerSpec[] {
  return PARTS.flatMap((part) => containers[part] ?? []);
}

/** What a release reads of the secrets. */
export function secretsOf({ containers, passwordVersion, secretSet }: SlotSpec): SecretsOfRelease {
  return { user: containers.api.user, passwordVersion, secretSet };
}

/**
 * What a stack remembers of itself between two runs, in its output `record`.
 * It holds no secret: containers get those as files.
 */
export const stackRecord = z.strictObject({
  version: z.literal(1),
  live: z.enum(COLORS),
  /** Percent of visitors on the idle slot. */
  canary: z.int(),
  /** The Retry-After of maintenance while that is on, in seconds. */
  maintenance: z.int().optional(),
  slots: z.strictObject({ blue: slotSpec.nullable(), green: slotSpec.nullable() }),
  /** Where the host keeps the stack's files; another place would be without its passwords and its live colour. */
  directory: z.string(),
  /** What the last switch that changed the live colour reported. */
  lastFlip: switchReport,
  /** What went live last, the last first. */
  recent: z.array(recentRelease).default([]),
  /** The last contract migration, if there was one. */
  contract: contractRecord.optional(),
  /** Whether the engine probed quickly at the first `up`; kept, because a change would replace every container. */
  startInterval: z.boolean(),
  postgresMajor: z.int(),
  /** The machine, where it is one in AWS. */
  ec2: ec2Record.optional(),
  /** The hash of the gateway configuration that the last run left, as the host prints it. */
  conf: z.string(),
  /** Counts the repairs of what was found changed on the host: a new number makes the resource run again. */
  repairs: z.strictObject({
    host: z.int().default(0),
    scripts: z.int(),
    switch: z.int(),
    gateway: z.int(),
    certificate: z.int().default(0),
  }),
  /** What the gateway shows; `null` without TLS. */
  certificate: certificateRecord.nullable().default(null),
  /** The zone in front, where Cloudflare is the edge. */
  zone: zoneRecord.optional(),
});
export type StackRecord = z.infer<typeof stackRecord>;

/**
 * Reads the output `record` of the stack's last successful run; `undefined` before the first.
 * Throws when there is one that this version cannot read: going on without it would replace running containers.
 */
export function parseRecord(output: unknown): StackRecord | undefined {
  if (output === undefined || output === null) return undefined;
  const result = stackRecord.safeParse(output);
  if (result.success) return result.data;
  throw new Error(
    `this stack's output "record" was written by another version of the program ` +
      `(${z.prettifyError(result.error)}); check out the version that made the last release, nothing was changed`,
  );
}

/** The stack's output `releases`: what each slot runs, for a person to read. */
export function summarize(
  specs: Slots<SlotSpec | undefined>,
): Slots<Pick<SlotSpec, "release" | "images"> | null> {
  const one = (spec: SlotSpec | undefined) =>
    spec === undefined ? null : { release: spec.release, images: spec.images };
  return { blue: one(specs.blue), green: one(specs.green) };
}
