import { setTimeout as sleep } from "node:timers/promises";

/** How long a command waits for its messages after the last one, at the most. The channels give up by themselves just before. */
export const SETTLED_MS = 11_000;

/** Until all of it is over, or the time is. */
export async function settledWithin(underWay: readonly Promise<unknown>[], limitMs: number): Promise<void> {
  const over = new AbortController();
  const late = sleep(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([Promise.all(underWay), late]);
  over.abort();
}
