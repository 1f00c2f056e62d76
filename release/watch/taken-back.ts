import type { LedgerEntry } from "../../components/ledger/entry.ts";
import { type Color, otherColor } from "../../components/config/schema.ts";
import type { StackRecord } from "../../components/slot/record.ts";
import { Refusal } from "../outcome.ts";

type Believed = Pick<StackRecord, "live" | "canary" | "slots">;

/**
 * The release that the host took the visitors back from while the state still sends them there: nobody followed the watch. Until a
 * command makes the state say so too, a plan would be made for the wrong colour.
 */
export function takenBack(entries: readonly LedgerEntry[], record: Believed): string | undefined {
  return movedBack(entries, record)?.release;
}

export interface MovedBack {
  readonly release: string;
  /** The keys as they say where visitors are: on the other colour, all of them, because a bad release keeps no share. */
  readonly keys: { readonly active: Color; readonly canary: 0 };
}

/** The same with what the state is to say. */
export function movedBack(
  entries: readonly LedgerEntry[],
  { live, canary, slots }: Believed,
): MovedBack | undefined {
  const last = entries.findLast((entry) => entry.event === "verdict");
  if (last?.verdict !== "bad" || slots[last.color]?.release !== last.release) return undefined;
  if (last.color !== live && canary === 0) return undefined;
  return { release: last.release, keys: { active: otherColor(last.color), canary: 0 } };
}

/** What makes file and state agree with the host again. */
export const agreeing = (stack: string): string => `npx bluegreen rollback --stack ${stack}`;

/** @throws Refusal where the host took visitors back and the state does not know */
export function refuseTakenBack(stack: string, entries: readonly LedgerEntry[], record: StackRecord): void {
  const release = takenBack(entries, record);
  if (release === undefined) return;
  throw new Refusal(
    `the watch took the visitors back from release ${release}, and the state does not say so yet`,
    `${agreeing(stack)}, then this again`,
  );
}
