import { type Color } from "../config/schema.ts";
import type { Entry, LedgerEntry } from "./entry.ts";
import { type LedgerRun, runsOf } from "./runs.ts";

/** One release, from all that the ledger says of it. */
export interface ReleaseHistory {
  readonly release: string;
  readonly color: Color;
  readonly images: Readonly<Record<string, string>>;
  readonly commit?: string | undefined;
  readonly by?: string | undefined;
  readonly releasedAt: string;
  /** When it went live, each time. */
  readonly live: readonly Entry<"live">[];
  readonly canary: readonly Entry<"canary">[];
  readonly migration?: Entry<"migrated"> | undefined;
  readonly undone: readonly Entry<"undone">[];
  /** How each of its watches ended, with its figures. */
  readonly watched: readonly Entry<"verdict">[];
  /** The commands of `bluegreen` that were about it. */
  readonly runs: readonly LedgerRun[];
  readonly verdict: Verdict;
  /** Why it was undone, by the switch's word or by the watch's. */
  readonly reason?: string | undefined;
}

/** How a release ended up: `idle` was never live, `undone` was taken back the last time it was tried. */
export type Verdict = "idle" | "live" | "replaced" | "undone";

/**
 * The releases in the order in which they began. A release id that was given again, after it had been pruned or for another
 * slot, is a history of its own.
 */
export function releaseHistory(entries: readonly LedgerEntry[]): readonly ReleaseHistory[] {
  const releases: Draft[] = [];
  const open = new Map<string, Draft>();
  const runs = runsOf(entries);
  const migrations = new Map<string, Entry<"migrated">>();
  const key = ({ color, release }: { readonly color: Color; readonly release: string }) =>
    `${color} ${release}`;
  let live: Draft | undefined;
  let before: Draft | undefined;
  const judge = (draft: Draft | undefined, verdict: Verdict, reason?: string): void => {
    if (draft === undefined) return;
    draft.verdict = verdict;
    draft.reason = reason;
  };
  for (const entry of entries) {
    switch (entry.event) {
      case "released": {
        const { release, color, images, commit, by, at } = entry;
        const migration = migrations.get(key(entry));
        const draft: Draft = {
          ...{ release, color, images, commit, by, releasedAt: at, migration },
          live: [],
          canary: [],
          undone: [],
          watched: [],
          runs: runs.flatMap(({ run, released }) => (released === entry ? [run] : [])),
          verdict: "idle",
        };
        releases.push(draft);
        open.set(key(entry), draft);
        break;
      }
      case "migrated":
        // It runs before the slot is there, so before the release is said to have begun.
        if (entry.byHand !== true) migrations.set(key(entry), entry);
        break;
      case "live": {
        const draft = open.get(key(entry));
        if (live !== draft) {
          judge(live, "replaced");
          before = live;
        }
        draft?.live.push(entry);
        judge(draft, "live");
        live = draft;
        break;
      }
      case "canary":
        open.get(key(entry))?.canary.push(entry);
        break;
      case "undone": {
        const draft = open.get(key(entry));
        draft?.undone.push(entry);
        if (draft !== live) judge(draft, "undone", entry.reason);
        break;
      }
      case "verdict": {
        const draft = open.get(key(entry));
        draft?.watched.push(entry);
        if (entry.verdict === "bad") {
          judge(draft, "undone", entry.reason);
          // The watch itself sends visitors back; the switch finds them there and writes nothing.
          if (draft === live) live = before;
          judge(live, "live");
        }
        break;
      }
      case "maintenance":
      case "hold":
      case "held":
      case "began":
      case "ended":
      case "undelivered":
        break;
    }
  }
  return releases;
}

interface Draft extends ReleaseHistory {
  readonly live: Entry<"live">[];
  readonly canary: Entry<"canary">[];
  readonly undone: Entry<"undone">[];
  readonly watched: Entry<"verdict">[];
  verdict: Verdict;
  reason?: string | undefined;
}

/**
 * The last migration that took something away, all of it or, where it failed halfway, some. Where no tool keeps a revision, nobody can
 * tell how far one came that failed: it counts.
 */
export function lastContract(entries: readonly LedgerEntry[]): Entry<"migrated"> | undefined {
  return entries.findLast(
    (entry): entry is Entry<"migrated"> =>
      entry.event === "migrated" &&
      entry.kind === "contract" &&
      (entry.ok || entry.before !== entry.after || entry.after === "none"),
  );
}

/** Who turned maintenance on the last time, where that was said. */
export function maintainedBy(entries: readonly LedgerEntry[]): string | undefined {
  const on = entries.findLast(
    (entry): entry is Entry<"maintenance"> => entry.event === "maintenance" && entry.state === "on",
  );
  return on === undefined || on.by === "" ? undefined : on.by;
}
