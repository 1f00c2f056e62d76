import assert from "node:assert/strict";

import {
  newId,
  nothingToDo,
  gentle,
  liveOf,
  other,
  release,
  sharedMachine,
  sharedStack,
} from "../e2e/shared.ts";
import { startLoad } from "../support/load/load.ts";
import type { TestMachine } from "../support/machine.ts";
import { until } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { describeReport, storedWrites, underLoad, withoutLoss } from "../support/visitors.ts";

const backAgainMs = 60_000;

async function served(stack: Stack): Promise<boolean> {
  const answer = fetch(`${stack.url}/items?limit=1`, { signal: AbortSignal.timeout(1000) });
  return await answer.then(
    ({ ok }) => ok,
    () => false,
  );
}

describe("a machine that changes under a stack", function () {
  this.timeout(900_000);
  let machine: TestMachine;
  let stack: Stack;

  before(async () => {
    [machine, stack] = [await sharedMachine(), await sharedStack()];
  });

  for (const how of ["orderly", "hard"] as const) {
    it(`comes back from ${how === "orderly" ? "a reboot" : "a power cut"} within ${backAgainMs / 1000} s: live colour, data, nothing to do`, async () => {
      // Not the colour it began with: only the start file can know.
      stack.set({ active: other(liveOf(stack)) });
      await stack.upOk();
      const live = liveOf(stack);
      const kinds = { get: { clients: 4, pauseMs: 20 }, post: { clients: 2, pauseMs: 20 } };
      const load = await startLoad({ url: stack.url, kinds, expect: [live] });
      try {
        await until("writes are taken", async () => (await load.writes()).length > 20);
        const began = performance.now();
        await machine.reboot(how);
        await until("visitors are served again", () => served(stack), backAgainMs);
        const backMs = Math.round(performance.now() - began);
        console.log(`      served again ${backMs} ms after it went`);
        assert.ok(backMs < backAgainMs);
        const report = await load.stop();
        assert.ok(report.failed > 0, "the machine was not away at all");
        const wrong = Object.keys(report.errors).filter((error) => error.startsWith("answered by"));
        assert.deepEqual(wrong, [], describeReport(report));
        const stored = await storedWrites(stack.url, load.name);
        assert.deepEqual(
          (await load.writes()).filter((id) => !stored.has(id)),
          [],
        );
      } finally {
        load.close();
      }
      assert.equal(await stack.live(), live);
      await nothingToDo(stack);
    });
  }

  it("with a full disk a release is refused before anything changes, and the way back stays open", async () => {
    const good = stack.config;
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const wanted = await release(newId());
    const containers = (): Promise<string> => stack.docker("ps", "--all", "--quiet", "--no-trunc");
    const before = await containers();
    await withoutLoss(
      stack.url,
      { expect: [live], kinds: { get: { clients: 4, pauseMs: 20 } } },
      async (load) => {
        // Enough for the database to go on writing.
        await machine.fillDisk(100);
        try {
          stack.set({ [idle]: wanted, active: idle });
          const up = await stack.up();
          assert.notEqual(up.code, 0, up.output);
          assert.match(up.output, /\d+ MB of disk left, and a new release needs/);
          // By then it has looked at the stack's last outputs.
          const changed = Object.keys(up.changes).filter((what) => what !== "same" && what !== "read");
          assert.deepEqual(changed, [], "it got as far as changing something");
          assert.equal(await containers(), before);
          assert.equal(await stack.live(), live);
          await load.expect("blue", "green");
          for (const to of [idle, live]) {
            stack.config = { ...good, active: to };
            await stack.upOk();
            assert.equal(await stack.live(), to);
          }
          await load.expect(live);
        } finally {
          await machine.freeDisk();
        }
        stack.config = good;
        await nothingToDo(stack);
      },
    );
  });

  it("a clock that is an hour off is named in the preview", async () => {
    try {
      await machine.setDate(3600);
      const preview = await stack.preview();
      assert.match(preview.output, /clock/);
      assert.match(preview.output, /3[56]\d\d s|1 h|60 min/);
    } finally {
      await machine.setDate(0);
    }
  });

  it("an upgrade of its Docker engine cuts no connection: new ones fail until it has made its rules again", async () => {
    const live = liveOf(stack);
    const containers = (): Promise<string> => {
      const names = ["api-blue", "api-green", "gateway", "postgres"].map((what) => stack.container(what));
      return stack.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", ...names);
    };
    const before = await containers();
    const report = await underLoad(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      // What installing the package again does, without the network: the engine stops and starts, the containers stay.
      const began = performance.now();
      await machine.execOk("systemctl", "restart", "containerd", "docker");
      await until("the engine answers", async () => (await machine.exec("docker", "version")).code === 0);
      const { failed } = await load.report();
      console.log(
        `      ${failed} new connections failed, engine back after ${Math.round(performance.now() - began)} ms`,
      );
      await nothingToDo(stack);
      assert.equal((await load.report()).failed, failed, "it went on after the engine was back");
    });
    const { fresh, ...open } = report.perKind;
    for (const [kind, { failed }] of Object.entries(open)) assert.equal(failed, 0, kind);
    assert.equal(report.failed, fresh?.failed, describeReport(report));
    assert.equal(await containers(), before);
    stack.set({ active: other(live) });
    await stack.upOk();
  });
});
