import { randomUUID } from "node:crypto";
import { messageOf } from "../components/message-of.ts";
import type { LedgerEntry } from "../components/ledger/entry.ts";
import { describeUnfinished, unfinished } from "../components/ledger/unfinished.ts";
import { type KnownHost, addEntry } from "./host.ts";
import { Failure, HostError } from "./outcome.ts";

export interface Recorded {
  readonly command: string;
  readonly by: string;
  readonly release?: string;
}

/** What a command took, by step, in milliseconds. */
export type Took = Readonly<Record<string, number>>;

/**
 * Runs a command between its two lines in the ledger, so that one that was cut off shows at the next call. A host that
 * cannot be written to is said and stops nothing.
 * @throws what the work throws; Failure where the host was gone in the middle of it
 */
export async function recorded<Result extends { readonly milliseconds: Took }>(
  host: KnownHost | undefined,
  about: Recorded,
  warn: (text: string) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  if (host === undefined) return await work();
  const run = randomUUID();
  const write = async (entry: LedgerEntry): Promise<void> => {
    await addEntry(host, entry).catch((error: unknown) => {
      warn(`the ledger could not be written: ${messageOf(error)}`);
    });
  };
  const { command, by, release } = about;
  const now = (): string => new Date().toISOString();
  await write({ event: "began", at: now(), run, command, by, ...(release !== undefined && { release }) });
  try {
    const result = await work();
    await write({
      event: "ended",
      at: now(),
      run,
      command,
      ok: true,
      milliseconds: rounded(result.milliseconds),
    });
    return result;
  } catch (error) {
    const reason = messageOf(error).slice(0, 2000);
    await write({ event: "ended", at: now(), run, command, ok: false, reason, milliseconds: {} });
    if (error instanceof HostError) throw new Failure(error.message);
    throw error;
  }
}

/** Says what was left in the middle, the last of it, to whoever comes next. */
export function tellUnfinished(entries: readonly LedgerEntry[], line: (text: string) => void): void {
  for (const one of unfinished(entries).slice(-1)) line(describeUnfinished(one));
}

function rounded(took: Took): Took {
  return Object.fromEntries(
    Object.entries(took).map(([step, milliseconds]) => [step, Math.round(milliseconds)]),
  );
}
