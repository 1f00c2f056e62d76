import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";

import { type Running, until } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import {
  gentle,
  itHere,
  liveOf,
  newId,
  other,
  overSsh,
  release,
  sharedStack,
  switchSettings,
  nothingToDo,
} from "./shared.ts";

/** Whoever is killed: Pulumi with its plugins and all they started, or Pulumi alone. */
const ways: readonly (readonly [string, (up: Running) => Promise<void> | void])[] = [
  ["with its plugins", (up) => up.killTree()],
  [
    "its plugins left behind",
    (up) => {
      up.kill();
    },
  ],
];

/** It must have been cut off, not just have been over in time. */
async function assertKilled(up: Running): Promise<void> {
  await up.exited;
  assert.equal(up.child.signalCode, "SIGKILL", up.output);
}

describe("a Pulumi that is killed", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  /** Clears the lock as a person would, then asks again for what was asked. */
  async function again(): Promise<void> {
    await stack.cancel();
    await stack.upOk();
    assert.equal(await stack.live(), stack.config["active"]);
    assert.equal((await stack.outputs())["live"], stack.config["active"]);
    await nothingToDo(stack);
  }

  it("has no file beside the state's that a kill could leave half written", async () => {
    const files = await readdir(path.join(stack.folder, "state"), { recursive: true });
    assert.ok(files.some((file) => file.endsWith(`${stack.name}.json`)));
    assert.deepEqual(
      files.filter((file) => file.endsWith(".attrs")),
      [],
    );
  });

  // Whose children outlive him has nothing to do with the way to the host: one way is enough there.
  for (const [how, kill] of overSsh ? ways.slice(0, 1) : ways) {
    it(`during a release, ${how}`, async () => {
      const [live, idle] = [liveOf(stack), other(liveOf(stack))];
      const wanted = await release(newId());
      await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
        stack.set({ [idle]: wanted });
        const up = await stack.startUp();
        await up.printed(
          new RegExp(`Container ${stack.container(`api-${idle}`)} (creating|replacing|deleting)`),
        );
        await kill(up);
        await assertKilled(up);
        assert.equal(await stack.live(), live);
        stack.set({ active: idle });
        await load.expect("blue", "green");
        await again();
        assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-release"), wanted.release);
      });
    });

    itHere(`at the flip, ${how}`, async () => {
      const to = other(liveOf(stack));
      await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
        stack.set({ active: to });
        const up = await stack.startUp();
        await up.printed(/switch-flip updating/);
        await kill(up);
        await assertKilled(up);
        await again();
      });
    });

    it(`between the flip and the state write, ${how}`, async () => {
      const to = other(liveOf(stack));
      await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
        stack.set({ active: to, switch: { ...switchSettings, bakeSeconds: 3 } });
        const up = await stack.startUp();
        await until(`${to} is live`, async () => (await stack.live()) === to);
        await kill(up);
        await assertKilled(up);
        stack.set({ switch: switchSettings });
        await again();
      });
    });

    itHere(`between the flip and the state write, ${how}, and then asked to stay`, async () => {
      const [live, idle] = [liveOf(stack), other(liveOf(stack))];
      await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
        stack.set({ active: idle, switch: { ...switchSettings, bakeSeconds: 3 } });
        const up = await stack.startUp();
        await until(`${idle} is live`, async () => (await stack.live()) === idle);
        await kill(up);
        await assertKilled(up);
        stack.set({ active: live, switch: switchSettings });
        await again();
        await load.expect(live);
      });
    });
  }

  itHere("in the bake of a release and flip, and then all config put back", async () => {
    const good = stack.config;
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const wanted = await release(newId());
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      stack.set({ [idle]: wanted, active: idle, switch: { ...switchSettings, bakeSeconds: 5 } });
      const up = await stack.startUp();
      await until(`${idle} is live`, async () => (await stack.live()) === idle);
      await up.killTree();
      await assertKilled(up);
      stack.config = good;
      await again();
      await load.expect(live);
    });
  });

  itHere("two ups at once: one does it, the other is told to wait", async () => {
    const idle = other(liveOf(stack));
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      stack.set({ active: idle, [idle]: await release(newId()) });
      const both = [await stack.startUp(), await stack.startUp()];
      const results = await Promise.all(both.map((up) => up.done));
      const failed = results.filter((result) => result.code !== 0);
      assert.ok(failed.length <= 1, results.map((result) => result.output).join("\n---\n"));
      for (const result of failed) assert.match(result.output, /locked/);
      await stack.upOk();
      await load.expect(idle);
      assert.equal(await stack.live(), idle);
    });
  });
});
