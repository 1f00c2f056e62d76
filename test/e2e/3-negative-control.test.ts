import assert from "node:assert/strict";

import { startDefaultReload } from "../../bench/peers/reload.ts";
import type { Peer } from "../../bench/peers/containers.ts";
import { startLoad } from "../support/load/load.ts";
import { describeReport } from "../support/visitors.ts";

// The counter that says "0 failed" elsewhere, shown to count: same clients, but flipped the careless way.
describe("negative control", function () {
  this.timeout(900_000);
  let peer: Peer;

  before(async () => {
    peer = await startDefaultReload();
  });
  after(() => peer.remove());

  it("a default reload with the old colour killed at once loses requests", async () => {
    const kinds = {
      get: { clients: 12, pauseMs: 10 },
      post: { clients: 12, pauseMs: 10 },
      fresh: { clients: 4, pauseMs: 10 },
    };
    const load = await startLoad({ url: peer.url, kinds });
    try {
      for (const to of ["green", "blue", "green"] as const) await peer.flip(to);
      const report = await load.stop();
      assert.ok(report.failed > 0, describeReport(report));
      assert.ok(report.failed < report.requests, "it is the flips that lose requests, not the set-up");
    } finally {
      load.close();
    }
  });
});
