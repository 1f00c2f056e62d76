import assert from "node:assert/strict";

import type { Color, Plan, Report } from "./load/load.ts";
import { type Load, startLoad } from "./load/load.ts";
import { at } from "./json.ts";

/** All kinds of clients that a flip must not hurt, at a pace that leaves the machine room for `pulumi up`. */
export const everyKind: Plan["kinds"] = {
  get: { clients: 8, pauseMs: 80 },
  post: { clients: 4, pauseMs: 80 },
  fresh: { clients: 4, pauseMs: 80 },
  slow: { clients: 4 },
  websocket: { clients: 5 },
  stream: { clients: 5 },
};

/** The same kinds, more of each. */
export const crowds: Plan["kinds"] = {
  ...everyKind,
  get: { clients: 24, pauseMs: 80 },
  post: { clients: 6, pauseMs: 120 },
  fresh: { clients: 6, pauseMs: 80 },
};

/** Client ids of all items whose id begins with `prefix`, read through the public address. */
export async function storedWrites(url: string, prefix: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let after: unknown = 0; typeof after === "number";) {
    const response = await fetch(`${url}/items?prefix=${prefix}&after=${after}&limit=1000`);
    assert.equal(response.status, 200, await response.clone().text());
    const page: unknown = await response.json();
    const items = at(page, "items");
    assert.ok(Array.isArray(items));
    for (const item of items) found.add(String(at(item, "clientId")));
    after = at(page, "next");
  }
  return found;
}

export function describeReport(report: Report): string {
  return JSON.stringify({ ...report, byColor: undefined }, undefined, 1);
}

/** Sends visitors to `url` while `work` runs; the load ends with it, whatever happens. */
export async function underLoad(
  url: string,
  options: { readonly expect: readonly Color[]; readonly kinds?: Plan["kinds"] },
  work: (load: Load) => Promise<void>,
): Promise<Report> {
  const load = await startLoad({ url, kinds: options.kinds ?? everyKind, expect: options.expect });
  try {
    await untilOpen(load);
    await work(load);
    const report = await load.stop();
    const stored = await storedWrites(url, load.name);
    const lost = (await load.writes()).filter((id) => !stored.has(id));
    assert.deepEqual(lost.slice(0, 5), [], `${lost.length} writes were acknowledged and are not there`);
    return report;
  } finally {
    load.close();
  }
}

/** As `underLoad`, and nothing may fail: not one request, WebSocket or stream. */
export async function withoutLoss(
  url: string,
  options: { readonly expect: readonly Color[]; readonly kinds?: Plan["kinds"] },
  work: (load: Load) => Promise<void>,
): Promise<Report> {
  const report = await underLoad(url, options, work);
  assert.equal(report.failed, 0, describeReport(report));
  return report;
}

/** Waits until every WebSocket and stream is open and requests are answered. */
async function untilOpen(load: Load): Promise<void> {
  const limit = Date.now() + 120_000;
  for (;;) {
    const report = await load.report();
    const lasting = report.websockets.open + report.streams.open;
    if (lasting >= load.lasting && report.requests > load.lasting) return;
    if (Date.now() > limit) throw new Error(`the load does not get going: ${describeReport(report)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
