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
  /** What the ledger got while it was at work; of one that was cut off, until the next about that release. */
  readonly meanwhile: readonly LedgerEntry[];
  /** The `released` entry; `undefined` where there is none, and of a deploy that came to none of its own. */
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
    const next = (later: LedgerEntry, at: number): boolean =>
      at > index && later.event === "began" && later.release === release;
    const isOurs = (one: LedgerEntry): one is Entry<"released"> =>
      one.event === "released" && one.release === release;
    const until = end === -1 ? entries.findIndex(next) : end;
    const meanwhile = entries.slice(index, until === -1 ? undefined : until);
    const last = entries[end];
    const ended = last?.event === "ended" ? endOf(last) : null;
    const earlier = (): Entry<"released"> | undefined => {
      const before = entries.slice(0, index);
      return cameShort(entry, before, meanwhile) ? undefined : before.findLast(isOurs);
    };
    return [
      {
        run: { command, by, at, ended },
        ...{ began: entry, meanwhile },
        released: meanwhile.find(isOurs) ?? earlier(),
      },
    ];
  });
}

/**
 * Whether a deploy in whose time no slot began its release did not come to its switch. That has nothing to write either where the slot's
 * last line says the same (switch-record.sh): there only a migration that failed tells.
 */
function cameShort(
  { command, release, color }: Entry<"began">,
  before: readonly LedgerEntry[],
  meanwhile: readonly LedgerEntry[],
): boolean {
  if (command !== "deploy") return false;
  const last = before.findLast(
    (one): one is Entry<"released"> => one.event === "released" && one.color === (color ?? one.color),
  );
  if (last?.release !== release) return true;
  return meanwhile.some(
    (one) => one.event === "migrated" && one.release === release && one.byHand !== true && !one.ok,
  );
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
