import type { Entry, LedgerEntry } from "./entry.ts";

/** A command of `bluegreen` about a release. */
export interface LedgerRun {
  readonly command: string;
  readonly by: string;
  readonly at: string;
  /** `null` where it was cut off, or is still at work. */
  readonly ended: Pick<Entry<"ended">, "at" | "ok" | "reason" | "refused" | "left" | "milliseconds"> | null;
}

/** A run, and which beginning of its release it is about. */
export interface RunOf {
  readonly run: LedgerRun;
  readonly began: Entry<"began">;
  /** What the ledger got while it was at work. */
  readonly meanwhile: readonly LedgerEntry[];
  /** The `released` entry; `undefined` where none came before the command's end, nor ever. */
  readonly released: Entry<"released"> | undefined;
}

/**
 * The commands that name a release, oldest first, each with the beginning of it that is meant: the one that the command brought about,
 * else the last before it. What a slot began is written by the switch in the middle of the command.
 */
export function runsOf(entries: readonly LedgerEntry[]): readonly RunOf[] {
  return entries.flatMap((entry, index) => {
    if (entry.event !== "began" || entry.release === undefined) return [];
    const { run, command, by, at, release } = entry;
    const end = entries.findLastIndex((later) => later.event === "ended" && later.run === run);
    const isOurs = (one: LedgerEntry): one is Entry<"released"> =>
      one.event === "released" && one.release === release;
    const meanwhile = entries.slice(index, end === -1 ? undefined : end);
    const last = entries[end];
    const ended = last?.event === "ended" ? endOf(last) : null;
    return [
      {
        run: { command, by, at, ended },
        ...{ began: entry, meanwhile },
        released: meanwhile.find(isOurs) ?? entries.slice(0, index).findLast(isOurs),
      },
    ];
  });
}

function endOf({ at, ok, reason, refused, left, milliseconds }: Entry<"ended">): LedgerRun["ended"] {
  return {
    ...{ at, ok },
    ...(reason !== undefined && { reason }),
    ...(refused !== undefined && { refused }),
    ...(left !== undefined && { left }),
    milliseconds,
  };
}
