import assert from "node:assert/strict";
import { parseLedger } from "../../components/ledger/entry.ts";
import { EXIT } from "../../release/outcome.ts";
import { at } from "../support/json.ts";
import { until } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import { gentle, liveOf, newId, nothingToDo, other, release, sharedStack } from "./shared.ts";

describe("a release that is watched", function () {
  this.timeout(1_200_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
    // Where others use the processor too, how long answers take says nothing: judge.awk's own tests look at that.
    stack.set({ watch: { holdMinutes: 0, worseP99Factor: 1000 } });
  });

  const ledger = async () => parseLedger(await stack.read("ledger"));
  async function deploy(
    { id, fault }: { readonly id: string; readonly fault?: Parameters<typeof release>[1] },
    ...args: readonly string[]
  ) {
    const { images } = await release(id, fault);
    const words = ["--image", `api=${images.api}`, "--release", id, "--by", "Anna"];
    return await stack.bluegreen("deploy", ...words, ...args);
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

  it("is left alone while it is good: step by step, nothing lost, each verdict on the record", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = newId();
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
      const leave = crowd();
      const stepped = await deploy({ id }, "--canary", "10,50,100", "--hold", "4s");
      assert.equal(await leave(), 0);
      assert.equal(stepped.code, EXIT.done, stepped.output);
      assert.match(stepped.output, new RegExp(`release ${id} is live on ${idle}`));
    });
    assert.deepEqual([await stack.live(), (await stack.control("GET", "/state"))["canary"]], [idle, "0"]);
    const verdicts = (await ledger()).flatMap((entry) => (entry.event === "verdict" ? [entry] : []));
    assert.deepEqual(
      verdicts.map(({ release, verdict }) => [release, verdict]),
      [
        [id, "good"],
        [id, "good"],
        [id, "good"],
      ],
    );
    for (const { figures } of verdicts)
      assert.ok((figures["newRequests"] ?? 0) > 50, JSON.stringify(figures));
    const back = await stack.bluegreen("rollback");
    assert.equal(back.code, EXIT.done, back.output);
    assert.equal(await stack.live(), live);
  });

  it("that errs is taken back by the host, and refused from then on", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = newId();
    const leave = crowd();
    const held = await deploy({ id, fault: "errors" }, "--canary", "10,50,100", "--hold", "5m");
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

  it("is taken back while nobody follows: the next command names the way on", async () => {
    const [live, config] = [liveOf(stack), stack.config];
    const id = newId();
    assert.equal((await deploy({ id, fault: "errors" }, "--no-flip")).code, EXIT.done);
    const command = await stack.startBluegreen("promote", "--to", "50", "--hold", "5m", "--by", "Anna");
    await command.printed(/is being watched/);
    await command.killTree();
    await command.done;
    await stack.readConfig();
    const leave = crowd();
    await until("visitors are back", async () => (await stack.control("GET", "/state"))["canary"] === "0");
    await leave();
    const status = await stack.bluegreen("status");
    assert.match(
      status.output,
      new RegExp(`took the visitors back from release ${id}, .*npx bluegreen rollback`),
    );
    const refused = await deploy({ id: newId() });
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.match(
      refused.output,
      new RegExp(`took the visitors back from release ${id}.*npx bluegreen rollback`, "s"),
    );
    assert.equal((await stack.bluegreen("rollback")).code, EXIT.done);
    assert.deepEqual([await stack.live(), stack.config["active"]], [live, config["active"]]);
    const doctor = await stack.bluegreen("doctor");
    assert.equal(doctor.code, EXIT.done, doctor.output);
    await nothingToDo(stack);
  });

  it("goes on when whoever started it is gone, holds no lock, and keeps its way back", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = newId();
    assert.equal((await deploy({ id }, "--no-flip")).code, EXIT.done);
    const config = stack.config;
    // As the config says: the command names no time.
    stack.set({ watch: { holdMinutes: 5, worseP99Factor: 1000 } });
    const command = await stack.startBluegreen("promote", "--to", "100", "--by", "Anna");
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
    const refused = await deploy({ id: newId() });
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
    stack.set({ watch: { holdMinutes: 0, worseP99Factor: 1000 } });
  });
});
