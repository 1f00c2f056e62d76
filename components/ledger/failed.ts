import type { Color } from "../config/schema.ts";
import type { Entry, LedgerEntry } from "./entry.ts";
import { type ReleaseHistory, releaseHistory } from "./history.ts";
import { type RunOf, runsOf } from "./runs.ts";

/**
 * A deploy that did not come to its switch: who begins a release on a slot says so there. Nothing leads back to it, and its id is free
 * for other images.
 */
export interface FailedRelease extends Omit<ReleaseHistory, "color" | "verdict"> {
  /** `null` where only an earlier version could have said, which also names no images. */
  readonly color: Color | null;
  /** `unfinished`: cut off, or at work. */
  readonly verdict: "failed" | "unfinished";
}

/** All releases that ever began in the order in which they did, and among them each deploy that failed before its switch. */
export function allReleases(entries: readonly LedgerEntry[]): readonly (ReleaseHistory | FailedRelease)[] {
  const failed = new Map<LedgerEntry, FailedRelease>();
  for (const run of runsOf(entries)) if (isFailed(run)) failed.set(run.began, failedRelease(run));
  const histories = releaseHistory(entries);
  let next = 0;
  return entries.flatMap((entry): readonly (ReleaseHistory | FailedRelease)[] => {
    // One history for each of them, in their order.
    if (entry.event === "released") return histories.slice(next, ++next);
    const one = failed.get(entry);
    return one === undefined ? [] : [one];
  });
}

/** Whether a slot began it. */
export function isReleased(one: ReleaseHistory | FailedRelease): one is ReleaseHistory {
  return one.verdict !== "failed" && one.verdict !== "unfinished";
}

/** What was refused changed nothing, and is no release. */
function isFailed({ run: { command, ended }, released }: RunOf): boolean {
  return command === "deploy" && released === undefined && ended?.ok !== true && ended?.refused !== true;
}

function failedRelease({ run, began, meanwhile }: RunOf): FailedRelease {
  const { release = "", by, at, images = {}, commit } = began;
  const migration = meanwhile.findLast(
    (one): one is Entry<"migrated"> =>
      one.event === "migrated" && one.release === release && one.byHand !== true,
  );
  return {
    ...{ release, images, commit, by, releasedAt: at, migration },
    color: began.color ?? migration?.color ?? null,
    ...{ live: [], canary: [], undone: [], watched: [], runs: [run] },
    verdict: run.ended === null ? "unfinished" : "failed",
    reason: run.ended?.reason,
  };
}
