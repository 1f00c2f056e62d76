import type { Ec2Settings } from "./ec2-schema.ts";
import { CUSTOM_METRICS, alarmsOf } from "../host/ec2/alarm-specs.ts";
import { PRICED_REGIONS, type PricedRegion, instanceType } from "./instance-types.ts";

/** AWS counts a month as so many hours. */
const HOURS = 730;

/**
 * US dollars a month, without taxes. The disk prices were in PROVIDER-FACTS (us-east-1) and are AWS's list as of 2026-11; the
 * public IPv4 address is 0.005 an hour everywhere since February 2024. As sure as the table of instance types: a few percent.
 */
const PRICES: Readonly<Record<PricedRegion, { readonly gp3Gb: number; readonly snapshotGb: number }>> = {
  "us-east-1": { gp3Gb: 0.08, snapshotGb: 0.05 },
  "eu-central-1": { gp3Gb: 0.0952, snapshotGb: 0.054 },
};
const PUBLIC_IPV4_HOUR = 0.005;
const ALARM = 0.1;
const CUSTOM_METRIC = 0.3;

/** Only changed blocks are kept again: this share of the volume, for each snapshot after the first. A guess, and on the high side. */
const CHANGED_SHARE = 0.05;

export interface CostLine {
  readonly what: string;
  /** US dollars a month, to the cent. */
  readonly usd: number;
}

export type Estimate =
  | { readonly kind: "known"; readonly lines: readonly CostLine[]; readonly totalUsd: number }
  | { readonly kind: "unknown"; readonly why: string };

type Billed = Pick<Ec2Settings, "instanceType" | "rootVolumeGb" | "dataVolumeGb" | "snapshots">;

/**
 * What the host costs a month: the machine, its address, its disks with a full data volume's snapshots, its alarms. Not in it: traffic
 * (100 GB out are free), backups in S3, taxes, free tiers, and the CPU credits of a
 * burstable machine that is busy above its baseline for days (0.05 dollars for each vCPU and hour; an alarm tells).
 */
export function estimateCost(host: Billed, awsRegion: string): Estimate {
  const region = PRICED_REGIONS.find((priced) => priced === awsRegion);
  if (region === undefined) {
    return {
      kind: "unknown",
      why: `the table has prices of ${PRICED_REGIONS.join(" and ")}, not of ${awsRegion}`,
    };
  }
  const type = instanceType(host.instanceType);
  const { gp3Gb, snapshotGb } = PRICES[region];
  const snapshotsGb = host.dataVolumeGb * (1 + CHANGED_SHARE * (host.snapshots.keep - 1));
  const alarms = alarmsOf(host.instanceType).length;
  const lines = [
    line(`instance ${host.instanceType}`, type.hourlyUsd[region] * HOURS),
    line("public IPv4 address", PUBLIC_IPV4_HOUR * HOURS),
    line(
      `gp3 disks, ${host.rootVolumeGb} + ${host.dataVolumeGb} GB`,
      (host.rootVolumeGb + host.dataVolumeGb) * gp3Gb,
    ),
    line(`snapshots, at most ${Math.ceil(snapshotsGb)} GB`, snapshotsGb * snapshotGb),
    line(`${alarms} alarms, ${CUSTOM_METRICS} metrics`, alarms * ALARM + CUSTOM_METRICS * CUSTOM_METRIC),
  ];
  return { kind: "known", lines, totalUsd: cents(lines.reduce((sum, { usd }) => sum + usd, 0)) };
}

const cents = (usd: number) => Math.round(usd * 100) / 100;
const line = (what: string, usd: number): CostLine => ({ what, usd: cents(usd) });
