import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** How long an address may take to answer before it counts as out of reach. */
const CONNECT_MS = 5000;

/** Whether an address answers soon with one of the statuses. */
export async function answers(url: string, statuses: readonly number[]): Promise<boolean> {
  try {
    const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(CONNECT_MS) });
    return statuses.includes(response.status);
  } catch {
    return false;
  }
}

/** Fetches a file; `limitMs` bounds the whole of it. */
export async function download(url: string, file: string, limitMs: number): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file));
}
