import type { LedgerEntry } from "./entry.ts";

/** A command that began and did not end, cut off or still at work; or one that ended and could not put back what it had begun. */
export interface Unfinished {
  readonly command: string;
  readonly by: string;
  readonly at: string;
  readonly release: string | null;
  /** What the host's own scripts, or the gateway, are known to have done since. */
  readonly since: readonly string[];
  /** Of one that ended: what is not as it was, and how to go on. */
  readonly left?: string;
}

/**
 * The commands that began and never ended, or left something behind, oldest first. One whose update ended well since settles them, and so
 * does their own release going live; what was left behind, whatever carried the whole stack out.
 */
export function unfinished(entries: readonly LedgerEntry[]): readonly Unfinished[] {
  const ended = entries.flatMap((entry) => (entry.event === "ended" ? [[entry.run, entry] as const] : []));
  const ends = new Map(ended);
  // Of one that ended once more: what it went on with are watches, and updates that have ends of their own.
  const updates = new Set<LedgerEntry>(new Map(ended.toReversed()).values());
  const settled = entries.findLastIndex((entry) => entry.event === "ended" && entry.ok && updates.has(entry));
  /** Whether it says that an update was carried out as a whole: the switch is its last. A migration by hand is none. */
  const isWhole = (entry: LedgerEntry): boolean => {
    if (entry.event === "ended") return entry.ok && entry.command !== "migrate" && updates.has(entry);
    return entry.event === "released" || entry.event === "live" || entry.event === "canary";
  };
  return entries.flatMap((entry, index): readonly Unfinished[] => {
    if (entry.event === "hold") {
      const { by, at, seconds } = entry;
      if (index < settled || entries.slice(index).some(({ event }) => event === "held")) return [];
      const since = [`the gateway let requests go by itself, ${seconds} s later at the most`];
      return [{ command: "hold", by, at, release: null, since }];
    }
    if (entry.event !== "began") return [];
    const { command, by, at, release = null } = entry;
    const end = ends.get(entry.run);
    if (end !== undefined) {
      const { left } = end;
      if (left === undefined || entries.slice(entries.indexOf(end)).some(isWhole)) return [];
      return [{ command, by, at, release, since: [], left }];
    }
    if (index < settled) return [];
    const later = entries.slice(index + 1);
    if (later.some((one) => one.event === "live" && one.release === release)) return [];
    return [{ command, by, at, release, since: sinceThen(command, later) }];
  });
}

/** One of them for a person. */
export function describeUnfinished({ command, by, at, release, since, left }: Unfinished): string {
  const about = release === null ? "" : ` of release ${release}`;
  if (left !== undefined)
    return `${command}${about} by ${by}, begun ${at}, failed; ${left}, unless somebody did since`;
  const known = since.length === 0 ? "" : ` (${since.join("; ")})`;
  return `${command}${about} by ${by} began ${at} and did not end: it runs, or was cut off${known}`;
}

function sinceThen(command: string, later: readonly LedgerEntry[]): readonly string[] {
  const said = later.flatMap(wordsOf);
  if (command !== "migrate" || later.some(({ event }) => event === "migrated")) return said;
  return ["how far it came, the next migration finds out; until then it counts as done", ...said];
}

function wordsOf(entry: LedgerEntry): readonly string[] {
  switch (entry.event) {
    case "released":
      return [`${entry.color} began release ${entry.release}`];
    case "migrated":
      return [
        `the database went from ${entry.before} to ${entry.after}${entry.ok ? "" : ", and failed there"}`,
      ];
    case "live":
      return [`release ${entry.release} went live on ${entry.color}`];
    case "canary":
      return [`${entry.percent} % of visitors on ${entry.color}`];
    case "maintenance":
      return [`maintenance ${entry.state}`];
    case "undone":
      return [`release ${entry.release} was taken back: ${entry.reason}`];
    case "verdict":
      return [`the watch of release ${entry.release}: ${entry.verdict}`];
    case "hold":
    case "held":
    case "began":
    case "ended":
    case "undelivered":
      return [];
  }
}
