import assert from "node:assert/strict";
import { parseLedger } from "../../components/ledger/entry.ts";
import { EXIT } from "../../release/outcome.ts";
import { at } from "../support/json.ts";
import { until } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import { gentle, liveOf, newId, nothingToDo, other, release, sharedStack } from "./shared.ts";

describe("a release that is watched", function () {
  this.timeout(300_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  const ledger = async () => parseLedger(await stack.read("ledger"));
  /** A release that waits on the idle slot. */
  async function waiting(fault?: Parameters<typeof release>[1]): Promise<string> {
    const id = newId();
    const { images } = await release(id, fault);
    const deployed = await stack.bluegreen(
      "deploy",
      "--image",
      `api=${images.api}`,
      "--release",
      id,
      "--by",
      "Anna",
      "--no-flip",
    );
    assert.equal(deployed.code, EXIT.done, deployed.output);
    return id;
  }
  /** Visitors of every bucket: all come from one address, so their cookies tell them apart. Ends with the number of failed answers. */
  function crowd() {
    const stopping = new AbortController();
    const one = async (bucket: number): Promise<number> => {
      const headers = { cookie: `bluegreen_bucket=${bucket}` };
      let failed = 0;
      while (!stopping.signal.aborted) {
        const answer = await fetch(`${stack.url}/version`, { headers });
        await answer.text();
        if (answer.status >= 500) failed++;
      }
      return failed;
    };
    const all = Promise.all([5, 35, 65, 95].map(one));
    return async () => {
      stopping.abort();
      return (await all).reduce((sum, failed) => sum + failed, 0);
    };
  }

  it("is left alone while it is good, loses nothing, and its verdict is on the record", async () => {
    const live = liveOf(stack);
    const id = await waiting();
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
      const leave = crowd();
      const held = await stack.bluegreen("promote", "--to", "50", "--hold", "8s", "--by", "Anna");
      assert.equal(await leave(), 0);
      assert.equal(held.code, EXIT.done, held.output);
    });
    assert.deepEqual([await stack.live(), (await stack.control("GET", "/state"))["canary"]], [live, "50"]);
    const verdict = (await ledger()).findLast((entry) => entry.event === "verdict");
    assert.ok(verdict?.event === "verdict");
    assert.deepEqual([verdict.release, verdict.verdict], [id, "good"]);
    assert.ok((verdict.figures["newRequests"] ?? 0) > 100, JSON.stringify(verdict.figures));
    const back = await stack.bluegreen("rollback");
    assert.equal(back.code, EXIT.done, back.output);
  });

  it("that errs is taken back by the host, and refused from then on", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = await waiting("errors");
    const leave = crowd();
    const held = await stack.bluegreen("promote", "--to", "50", "--hold", "5m", "--by", "Anna");
    assert.ok((await leave()) > 0);
    assert.equal(held.code, EXIT.failed, held.output);
    assert.match(held.output, new RegExp(`release ${id} was taken back: .* % of \\d+ requests failed`));
    assert.match(held.output, new RegExp(`the last lines of ${stack.container(`api-${idle}`)}:\\n.`));
    assert.deepEqual([await stack.live(), (await stack.control("GET", "/state"))["canary"]], [live, "0"]);
    await nothingToDo(stack);
    const config = stack.config;
    stack.set({ canary: 10 });
    const refused = await stack.preview();
    stack.config = config;
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.output,
      /canary: got 10 for release \S+ on .*the watch did not take the visitors back from/,
    );
  });

  it("goes on when whoever started it is gone, holds no lock, and keeps its way back", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = await waiting();
    const config = stack.config;
    const command = await stack.startBluegreen("promote", "--to", "100", "--hold", "5m", "--by", "Anna");
    await command.printed(/is being watched/);
    await command.killTree();
    await command.done;
    await stack.readConfig();
    assert.equal(liveOf(stack), idle);
    const status = await stack.bluegreen("watch", "--json");
    assert.deepEqual(
      [at(JSON.parse(status.stdout), "kind"), at(JSON.parse(status.stdout), "release")],
      ["watching", id],
    );
    // A second deploy meanwhile: no lock in its way, and a clear answer.
    const next = newId();
    const { images } = await release(next);
    const refused = await stack.bluegreen(
      "deploy",
      "--image",
      `api=${images.api}`,
      "--release",
      next,
      "--by",
      "Berta",
    );
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.match(
      refused.output,
      new RegExp(`release ${id} on ${idle} is being watched, and this is its way back`),
    );
    const back = await stack.bluegreen("rollback");
    assert.equal(back.code, EXIT.done, back.output);
    assert.equal(await stack.live(), live);
    await until("the watch has seen it", async () =>
      /superseded/.test((await stack.bluegreen("watch")).stdout),
    );
    assert.equal(config["active"], live);
  });
});
