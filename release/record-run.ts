import { randomUUID } from "node:crypto";
import { messageOf } from "../components/message-of.ts";
import type { Entry, LedgerEntry } from "../components/ledger/entry.ts";
import { describeUnfinished, unfinished } from "../components/ledger/unfinished.ts";
import { type KnownHost, addEntry } from "./host.ts";
import { Failure, HostError, Refusal } from "./outcome.ts";

export interface Recorded extends Partial<Pick<Entry<"began">, "release" | "color" | "images" | "commit">> {
  readonly command: string;
  readonly by: string;
  /** What its lines are known by; default: something new. */
  readonly run?: string;
}

/** What a command took, by step, in milliseconds. */
export type Took = Readonly<Record<string, number>>;

/** What a command knows of itself while it is at work: its line in the ledger has that where it fails. */
export interface SoFar {
  readonly milliseconds: Record<string, number>;
  /** What it could not put back, and how to go on: told to whoever comes next. */
  left?: string;
}

/**
 * Runs a command between its two lines in the ledger, so that one that was cut off shows at the next call. A host that
 * cannot be written to is said and stops nothing.
 * @throws what the work throws; Failure where the host was gone in the middle of it
 */
export async function recorded<Result extends { readonly milliseconds: Took }>(
  host: KnownHost | undefined,
  about: Recorded,
  warn: (text: string) => void,
  work: (soFar: SoFar) => Promise<Result>,
): Promise<Result> {
  const { run = randomUUID(), ...rest } = about;
  await write(host, { event: "began", at: now(), run, ...rest }, warn);
  return await recordedEnd(host, { ...about, run }, warn, {}, work);
}

/**
 * What a command whose end is in the ledger goes on with: it ends there once more, with what both took.
 * @throws as `recorded`
 */
export async function recordedOn<Result extends { readonly milliseconds: Took }>(
  host: KnownHost | undefined,
  about: Recorded & { readonly run: string },
  warn: (text: string) => void,
  { milliseconds }: Result,
  work: () => Promise<Result>,
): Promise<Result> {
  return await recordedEnd(host, about, warn, milliseconds, work);
}

async function recordedEnd<Result extends { readonly milliseconds: Took }>(
  host: KnownHost | undefined,
  { run, command }: Recorded & { readonly run: string },
  warn: (text: string) => void,
  took: Took,
  work: (soFar: SoFar) => Promise<Result>,
): Promise<Result> {
  const soFar: SoFar = { milliseconds: { ...took } };
  const end = async (what: Omit<Entry<"ended">, "event" | "at" | "run" | "command">): Promise<void> => {
    const milliseconds = rounded(what.milliseconds);
    await write(host, { event: "ended", at: now(), run, command, ...what, milliseconds }, warn);
  };
  try {
    const result = await work(soFar);
    await end({ ok: true, milliseconds: result.milliseconds });
    return result;
  } catch (error) {
    await end({
      ...{ ok: false, reason: messageOf(error).slice(0, 2000) },
      // A host that was gone in the middle refused nothing.
      ...(error instanceof Refusal && !(error instanceof HostError) && { refused: true }),
      ...(soFar.left !== undefined && { left: soFar.left.slice(0, 2000) }),
      milliseconds: soFar.milliseconds,
    });
    if (error instanceof HostError) throw new Failure(error.message);
    throw error;
  }
}

const now = (): string => new Date().toISOString();

async function write(
  host: KnownHost | undefined,
  entry: LedgerEntry,
  warn: (text: string) => void,
): Promise<void> {
  if (host === undefined) return;
  await addEntry(host, entry).catch((error: unknown) => {
    warn(`the ledger could not be written: ${messageOf(error)}`);
  });
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
