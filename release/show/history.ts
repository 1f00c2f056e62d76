import { originOf } from "../../components/slot/origin.ts";
import { secondsOf } from "../../components/seconds-of.ts";
import { type FailedRelease, allReleases } from "../../components/ledger/failed.ts";
import type { ReleaseHistory } from "../../components/ledger/history.ts";
import { reachHost, readLedger } from "../host.ts";
import { Refusal } from "../outcome.ts";
import { openStack } from "../stack.ts";
import { table } from "./table.ts";

type Shown = ReleaseHistory | FailedRelease;

/** All releases that the ledger knows, in the order in which they began; those too that failed before their switch. */
export async function history(name: string, folder: string): Promise<readonly Shown[]> {
  const stack = await openStack(name, folder);
  return allReleases(await readLedger(await reachHost(stack)));
}

/** The last `count`, the last first. */
export function renderHistory(releases: readonly Shown[], count = 20): string {
  if (releases.length === 0) return "no release yet\n";
  const rows = releases.slice(-count).reverse();
  const head = ["release", "colour", "begun", "by", "commit", "live since", "switch", "watch", "verdict"];
  return table([head, ...rows.map(row)]);
}

function row({
  release,
  color,
  releasedAt,
  by,
  commit,
  live,
  watched,
  verdict,
  reason,
}: Shown): readonly string[] {
  const last = live.at(-1);
  return [
    release,
    color ?? "",
    releasedAt,
    by ?? "",
    commit?.slice(0, 12) ?? "",
    last?.at ?? "",
    last === undefined ? "" : secondsOf(last.totalMs),
    watched.at(-1)?.verdict ?? "",
    ending(verdict, reason, release),
  ];
}

function ending(verdict: Shown["verdict"], reason = "", release: string): string {
  switch (verdict) {
    case "undone":
      return `undone: ${reason}`;
    case "failed":
      // What serves, and the engine's further lines, are in --json.
      return `failed before its switch: ${reason.replace(`release ${release} failed: `, "").split("\n", 1).join("")}`;
    case "unfinished":
      return "unfinished: cut off before its switch, or at work";
    case "idle":
    case "live":
    case "replaced":
      return verdict;
  }
}

/** What differs between two releases. */
export interface Difference {
  readonly what: string;
  readonly a: string;
  readonly b: string;
}

/** @throws Refusal where a release is not on record */
export function difference(releases: readonly Shown[], a: string, b: string): readonly Difference[] {
  const [one, two] = [a, b].map((id) => {
    const found = releases.findLast(({ release }) => release === id);
    if (found === undefined)
      throw new Refusal(
        `no release ${id} is on record`,
        "npx bluegreen history, with the same --stack, lists those that are",
      );
    return facts(found);
  });
  const names = [...new Set([...Object.keys(one ?? {}), ...Object.keys(two ?? {})])];
  return names
    .map((what) => ({ what, a: one?.[what] ?? "none", b: two?.[what] ?? "none" }))
    .filter((fact) => fact.a !== fact.b);
}

function facts({ images, commit, by, releasedAt, color, migration }: Shown): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(images).map(([part, image]) => [`image ${part}`, image])),
    ...originOf({ commit, by }),
    begun: releasedAt,
    ...(color !== null && { colour: color }),
    ...(migration && { "database revision": migration.after }),
  };
}

export function renderDifference(differences: readonly Difference[], a: string, b: string): string {
  if (differences.length === 0) return `${a} and ${b} do not differ in anything on record\n`;
  return table([["", a, b], ...differences.map(({ what, a: one, b: two }) => [what, one, two])]);
}
