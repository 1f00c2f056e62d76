import { appendFile } from "node:fs/promises";
import path from "node:path";

import { ledgerLine, parseLedger } from "../components/ledger/entry.ts";
import { type Fault, release } from "../test/support/images.ts";
import { at } from "../test/support/json.ts";
import type { Result } from "../test/support/process.ts";
import { Stack } from "../test/support/stack.ts";
import { underLoad } from "../test/support/visitors.ts";
import type { Spread } from "./flips.ts";
import { spread } from "./flips.ts";
import { seconds, stackSwitch, visitors } from "./stack.ts";

export interface ReleaseFigures {
  /** `bluegreen deploy`, from the command to its end: plan, update, flip. */
  readonly deploySeconds: Spread;
  /** `bluegreen rollback`, from the command to its end. */
  readonly rollbackSeconds: Spread;
  readonly requests: number;
  readonly failed: number;
  /** From the watch's verdict until all visitors are back, as the watch measures it. */
  readonly backMs: Spread;
  /** With as many releases in the ledger. */
  readonly status: readonly LedgerFigures[];
}

export interface LedgerFigures {
  readonly releases: number;
  readonly statusSeconds: Spread;
  readonly historySeconds: Spread;
}

const ROUNDS = 5;
/** Each takes about a minute: a release that errs is put up, watched and taken back. */
const WAYS_BACK = 3;
const MANY = 1000;
let nextId = 100;

/** What people do all day with the command line, on a whole stack with the sample. */
export async function measureReleases(): Promise<ReleaseFigures> {
  const slots = { blue: await release("1"), green: await release("2") };
  const stack = await Stack.create("bench", { active: "blue", ...slots, switch: stackSwitch });
  try {
    await stack.upOk();
    const deploys: number[] = [];
    const rollbacks: number[] = [];
    const report = await underLoad(stack.url, { expect: ["blue", "green"], kinds: visitors }, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const words = await image("none");
        deploys.push(await seconds(() => well(stack.bluegreen("deploy", ...words))));
        rollbacks.push(await seconds(() => well(stack.bluegreen("rollback"))));
      }
    });
    const few = await measureLedger(stack, parseLedger(await stack.read("ledger")).filter(isReleased).length);
    const backMs = await measureWayBack(stack);
    await grow(stack);
    const many = await measureLedger(stack, MANY);
    const { requests, failed } = report;
    return {
      ...{ deploySeconds: spread(deploys), rollbackSeconds: spread(rollbacks), requests, failed },
      ...{ backMs: spread(backMs), status: [few, many] },
    };
  } finally {
    await stack.remove();
  }
}

const isReleased = ({ event }: { readonly event: string }): boolean => event === "released";

async function image(fault: Fault): Promise<readonly string[]> {
  const id = String(nextId++);
  const { images } = await release(id, fault);
  return ["--image", `api=${images.api}`, "--release", id, "--by", "bench", "--yes"];
}

async function well(running: Promise<Result>): Promise<void> {
  const { code, output } = await running;
  if (code !== 0) throw new Error(`exit ${code}\n${output}`);
}

/** Releases that err, each watched until its visitors are taken back. */
async function measureWayBack(stack: Stack): Promise<readonly number[]> {
  stack.set({ watch: { holdMinutes: 0, minimumRequests: 20, worseP99Factor: 1000 } });
  const leaving = new AbortController();
  // All come from one address: their cookies put them on either colour.
  const visit = async (bucket: number): Promise<void> => {
    const headers = { cookie: `bluegreen_bucket=${bucket}` };
    while (!leaving.signal.aborted)
      await fetch(`${stack.url}/version`, { headers }).then((answer) => answer.text());
  };
  const crowd = Promise.all([visit(5), visit(95)]);
  try {
    for (let round = 0; round < WAYS_BACK; round++) {
      const words = await image("errors");
      await well(stack.bluegreen("deploy", ...words, "--no-flip"));
      const held = await stack.bluegreen("promote", "--to", "50", "--hold", "5m");
      if (!/was taken back/.test(held.output)) throw new Error(held.output);
    }
  } finally {
    leaving.abort();
    await crowd;
  }
  return parseLedger(await stack.read("ledger")).flatMap((entry) =>
    entry.event === "verdict" && entry.verdict === "bad" ? [entry.figures["backMs"] ?? Number.NaN] : [],
  );
}

/** Fills the ledger with releases as the switch writes them. */
async function grow(stack: Stack): Promise<void> {
  const entries = parseLedger(await stack.read("ledger"));
  const [released, live] = [
    entries.findLast((entry) => entry.event === "released"),
    entries.findLast((entry) => entry.event === "live"),
  ];
  if (released === undefined || live === undefined) throw new Error("no release is in the ledger");
  const lines = Array.from({ length: MANY }, (_, number) => {
    const one = { release: `old-${number}`, at: new Date(Date.UTC(2020, 0, 1, 0, number)).toISOString() };
    return `${ledgerLine({ ...released, ...one })}\n${ledgerLine({ ...live, ...one })}\n`;
  });
  await appendFile(path.join(stack.hostDirectory, "ledger"), lines.join(""));
}

async function measureLedger(stack: Stack, releases: number): Promise<LedgerFigures> {
  const [status, history]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    status.push(await seconds(() => well(stack.bluegreen("status"))));
    history.push(
      await seconds(async () => {
        const { stdout } = await stack.bluegreen("history", "--json");
        const all: unknown = JSON.parse(stdout);
        if (!Array.isArray(all) || all.length < releases || at(all[0], "release") === undefined)
          throw new Error(stdout.slice(0, 500));
      }),
    );
  }
  return { releases, statusSeconds: spread(status), historySeconds: spread(history) };
}
