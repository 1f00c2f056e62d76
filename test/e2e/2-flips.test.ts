import assert from "node:assert/strict";

import { nowMs } from "../support/load/load.ts";
import type { Stack } from "../support/stack.ts";
import { crowds, describeReport, withoutLoss } from "../support/visitors.ts";
import {
  flip,
  liveOf,
  itHere,
  newId,
  other,
  overSsh,
  release,
  sharedStack,
  switchSettings,
} from "./shared.ts";

// Over SSH it is the way to the host that is shown, not the gateway's endurance; a million requests are `make bench`'s.
const flips = overSsh ? 4 : 20;
const requests = overSsh ? 5_000 : 40_000;

describe("many flips", function () {
  this.timeout(1_200_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  it(`${flips} flips by pulumi up and ${requests} requests: none fails, no write is lost, no connection is cut`, async () => {
    const report = await withoutLoss(stack.url, { expect: [liveOf(stack)], kinds: crowds }, async (load) => {
      let done = 0;
      while (done < flips || (await load.report()).requests < requests) {
        await flip(stack, load);
        done++;
      }
    });
    assert.ok(report.requests >= requests);
    assert.equal(report.websockets.cut + report.streams.cut, 0, describeReport(report));
    assert.equal(report.websockets.open + report.streams.open, 10);
    for (const kind of ["get", "post", "fresh", "slow"] as const)
      assert.ok((report.perKind[kind]?.requests ?? 0) > 100);
    console.log(
      `      ${report.requests} requests in ${Math.round(report.seconds)} s, ${report.failed} failed`,
    );
  });

  itHere("WebSockets and streams get the drain window when their slot is released again", async () => {
    // Longer than a release takes by itself.
    const drainSeconds = 12;
    stack.set({ switch: { ...switchSettings, drainSeconds } });
    const old = liveOf(stack);
    // The drain window belongs to the release that begins now, so the slot that is to be drained must have begun with it.
    stack.set({ [other(old)]: await release(newId()), active: other(old) });
    await stack.upOk();
    const drained = other(old);
    const next = await release(newId());
    let releaseMs = 0;
    const report = await withoutLoss(stack.url, { expect: [drained] }, async (load) => {
      await flip(stack, load);
      stack.set({ [drained]: next });
      releaseMs = nowMs();
      await stack.upOk();
    });
    assert.equal(report.cuts.length, 10, describeReport(report));
    for (const cut of report.cuts) {
      assert.equal(cut.color, drained);
      const lasted = (cut.cutMs - releaseMs) / 1000;
      assert.ok(
        lasted >= drainSeconds,
        `${cut.kind} cut ${lasted.toFixed(1)} s after the release began: ${cut.why}`,
      );
    }
    stack.set({ switch: switchSettings });
  });
});
