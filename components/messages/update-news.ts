import { type Color, COLORS, type Settings, otherColor } from "../config/schema.ts";
import type { RecentRelease } from "../ledger/recent.ts";
import { type SlotPlan, type Slots, specOf } from "../slot/plan.ts";
import type { StackRecord } from "../slot/record.ts";
import type { News } from "./message.ts";

/** What an update has to tell: which release it is about, whether it begins something, and what is true once it went well. */
export interface UpdateNews {
  readonly release: string;
  readonly color: Color;
  /** A release, or the way back to one: told when it begins, as `deploy` and `rollback` do. */
  readonly begins: boolean;
  /** `undefined` where visitors and releases stay as they are. */
  readonly ends: News | undefined;
}

/** What of the last update's record this is decided by. */
type Before = Pick<StackRecord, "live" | "canary" | "recent">;

/** Decides what an update tells, from where visitors go now and what the config wants; `previous` is `undefined` before the first. */
export function updateNews(
  { active, canary }: Pick<Settings, "active" | "canary">,
  plans: Slots<SlotPlan>,
  previous: Before | undefined,
): UpdateNews {
  const idle = otherColor(active);
  const about = (color: Color) => ({ color, release: specOf(plans[color])?.release ?? "none" });
  const begun = COLORS.filter((color) => plans[color].kind === "released");
  const was = previous?.canary ?? 0;
  if (previous?.live !== active) {
    const back = isBack(previous?.recent ?? [], about(active).release);
    const ends: News = { event: back ? "rolled back" : "live" };
    return { ...about(active), begins: back || begun.length > 0, ends };
  }
  const waits = begun.includes(idle);
  if (canary > 0 && (canary !== was || waits)) {
    return { ...about(idle), begins: waits, ends: { event: "canary", percent: canary } };
  }
  if (waits) return { ...about(idle), begins: true, ends: { event: "waiting" } };
  if (canary < was) return { ...about(active), begins: true, ends: { event: "rolled back" } };
  return { ...about(active), begins: false, ends: undefined };
}

/** Whether a release was live before the one that is live now first was. */
function isBack(recent: readonly Pick<RecentRelease, "release">[], release: string): boolean {
  const since = (id: string) => recent.findLastIndex((one) => one.release === id);
  const [now] = recent;
  return now !== undefined && since(release) > since(now.release);
}
