import { type Color } from "../config/schema.ts";
import type { Entry, LedgerEntry } from "./entry.ts";

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
  readonly verdict: Verdict;
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
  const migrations = new Map<string, Entry<"migrated">>();
  const key = ({ color, release }: { readonly color: Color; readonly release: string }) =>
    `${color} ${release}`;
  let live: Draft | undefined;
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
        if (live !== undefined && live !== draft) live.verdict = "replaced";
        draft?.live.push(entry);
        if (draft !== undefined) draft.verdict = "live";
        live = draft;
        break;
      }
      case "canary":
        open.get(key(entry))?.canary.push(entry);
        break;
      case "undone": {
        const draft = open.get(key(entry));
        draft?.undone.push(entry);
        if (draft !== undefined && draft !== live) draft.verdict = "undone";
        break;
      }
      case "verdict":
        if (entry.verdict === "bad") {
          const draft = open.get(key(entry));
          if (draft !== undefined) draft.verdict = "undone";
          if (draft === live) live = undefined;
        }
        break;
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
  verdict: Verdict;
}

/**
 * The commands that began and never ended, oldest first: cut off, or still at work. One that ended well since settles them, and so does
 * their own release going live.
 */
export function unfinished(all: readonly LedgerEntry[]): readonly Entry<"began">[] {
  const entries = all.slice(all.findLastIndex((entry) => entry.event === "ended" && entry.ok) + 1);
  const ended = new Set(entries.flatMap((entry) => (entry.event === "ended" ? [entry.run] : [])));
  return entries.flatMap((entry, index) => {
    if (entry.event !== "began" || ended.has(entry.run)) return [];
    const wentLive = entries
      .slice(index)
      .some((later) => later.event === "live" && later.release === entry.release);
    return wentLive ? [] : [entry];
  });
}

/** The last migration that took something away, all of it or, where it failed halfway, some. */
export function lastContract(entries: readonly LedgerEntry[]): Entry<"migrated"> | undefined {
  return entries.findLast(
    (entry): entry is Entry<"migrated"> =>
      entry.event === "migrated" && entry.kind === "contract" && (entry.ok || entry.before !== entry.after),
  );
}
