import { z } from "zod";
import { origin, originOf } from "../slot/origin.ts";
import { COLORS } from "../config/schema.ts";
import type { SwitchReport } from "../gateway/switch/switch-report.ts";
import type { Slots } from "../slot/plan.ts";
import type { SlotSpec } from "../slot/record.ts";

/** One time that a release went live. */
export const recentRelease = z.strictObject({
  release: z.string(),
  color: z.enum(COLORS),
  from: z.enum([...COLORS, "none"]),
  images: z.record(z.string(), z.string()),
  ...origin,
  switchedAt: z.string(),
  totalMs: z.number(),
});
export type RecentRelease = z.infer<typeof recentRelease>;

/** How many a stack's state remembers at least; the ledger on the host has all of them. */
const KEPT = 20;

/** With what this run made live, the last first; a report that was seen before, because the switch had nothing to do, adds nothing. */
export function extendRecent(
  recent: readonly RecentRelease[],
  { flipped, live, previous, switchedAt, totalMs }: SwitchReport,
  specs: Slots<Pick<SlotSpec, "release" | "images" | "commit" | "by"> | undefined>,
  retention: number,
): RecentRelease[] {
  const spec = specs[live];
  if (!flipped || spec === undefined || recent.some((one) => one.switchedAt === switchedAt))
    return [...recent];
  const { release, images } = spec;
  const all = [
    { release, color: live, from: previous, images, ...originOf(spec), switchedAt, totalMs },
    ...recent,
  ];
  const newest = all.slice(0, KEPT);
  // Flips back and forth must not push out the releases whose images are kept.
  const known = new Set(newest.map((one) => one.release));
  const older = all.slice(KEPT).filter((one) => {
    if (known.has(one.release) || known.size >= retention) return false;
    known.add(one.release);
    return true;
  });
  return [...newest, ...older];
}

/** One of them as a line for a person. */
export function describeRecent({ release, color, commit, by, switchedAt }: RecentRelease): string {
  const about = [commit?.slice(0, 12), by && `by ${by}`].filter(Boolean).join(" ");
  return `${switchedAt} ${color} release ${release}${about === "" ? "" : ` (${about})`}`;
}
