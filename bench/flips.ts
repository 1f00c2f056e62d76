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
  /** Each flip's own times, milliseconds. */
  readonly times: Times;
}

interface Times {
  readonly command: readonly number[];
  readonly firstNew: readonly number[];
  readonly lastOld: readonly number[];
}

function measured(times: Times): Pick<FlipFigures, "commandMs" | "firstNewMs" | "lastOldMs" | "times"> {
  return {
    commandMs: spread(times.command),
    firstNewMs: spread(times.firstNew),
    lastOldMs: spread(times.lastOld),
    times,
  };
}

/** Several measurements of one way as one. */
export function together(parts: readonly FlipFigures[]): FlipFigures {
  const sum = (of: (part: FlipFigures) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    name: parts[0]?.name ?? "nothing",
    flips: sum((part) => part.flips),
    requests: sum((part) => part.requests),
    failed: sum((part) => part.failed),
    ...measured({
      command: parts.flatMap((part) => part.times.command),
      firstNew: parts.flatMap((part) => part.times.firstNew),
      lastOld: parts.flatMap((part) => part.times.lastOld),
    }),
    errors: Object.fromEntries(parts.flatMap((part) => Object.entries(part.errors))),
  };
}

export interface Spread {
  readonly median: number;
  readonly largest: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? NaN, largest: sorted.at(-1) ?? NaN };
}

async function liveColor(peer: Peer): Promise<Color> {
  const response = await fetch(`${peer.url}/version`);
  return response.headers.get("x-color") === "green" ? "green" : "blue";
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
    for (
      let live = await liveColor(peer);
      done < flips || (await load.report()).requests < requests;
      done++
    ) {
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
      ...measured({ command, firstNew, lastOld }),
      errors: report.errors,
    };
  } finally {
    load.close();
  }
}
