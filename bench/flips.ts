import type { Color, Plan, Report } from "../test/support/load/load.ts";
import { nowMs, startLoad } from "../test/support/load/load.ts";
import type { Peer } from "./peers/containers.ts";

/** The load that each way of flipping meets: nobody retries. */
export const flipLoad: Plan["kinds"] = {
  get: { clients: 50, pauseMs: 10 },
  post: { clients: 50, pauseMs: 10 },
  fresh: { clients: 20, pauseMs: 30 },
};

export interface FlipFigures {
  readonly name: string;
  readonly flips: number;
  readonly requests: number;
  readonly failed: number;
  readonly commandMs: Spread;
  /** From the start of the command to the first answer of the new colour, and to the last of the old. */
  readonly firstNewMs: Spread;
  readonly lastOldMs: Spread;
  readonly errors: Report["errors"];
}

export interface Spread {
  readonly median: number;
  readonly largest: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? NaN, largest: sorted.at(-1) ?? NaN };
}

/**
 * Flips `peer` at least `flips` times under load and until `requests` were sent. After each command the load goes on
 * for `restMs`, so that late answers of the old colour are seen.
 */
export async function measureFlips(
  peer: Peer,
  {
    flips,
    requests = 0,
    restMs,
  }: { readonly flips: number; readonly requests?: number; readonly restMs: number },
): Promise<FlipFigures> {
  const load = await startLoad({ url: peer.url, kinds: flipLoad });
  const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const command: number[] = [];
  const firstNew: number[] = [];
  const lastOld: number[] = [];
  try {
    await rest(restMs);
    let done = 0;
    for (let live: Color = "blue"; done < flips || (await load.report()).requests < requests; done++) {
      const to: Color = live === "blue" ? "green" : "blue";
      await load.mark();
      const beganMs = nowMs();
      await peer.flip(to);
      command.push(nowMs() - beganMs);
      await rest(restMs);
      const { sinceMark } = await load.report();
      const [first, last] = [sinceMark[to], sinceMark[live]];
      if (first === undefined)
        throw new Error(`${peer.name}: ${to} did not answer within ${restMs} ms of a flip to it`);
      firstNew.push(first.firstMs - beganMs);
      lastOld.push(last === undefined ? 0 : last.lastMs - beganMs);
      live = to;
    }
    const report = await load.stop();
    return {
      name: peer.name,
      flips: done,
      requests: report.requests,
      failed: report.failed,
      commandMs: spread(command),
      firstNewMs: spread(firstNew),
      lastOldMs: spread(lastOld),
      errors: report.errors,
    };
  } finally {
    load.close();
  }
}
