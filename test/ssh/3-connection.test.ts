import assert from "node:assert/strict";

import {
  gentle,
  liveOf,
  newId,
  nothingToDo,
  other,
  release,
  sharedMachine,
  sharedStack,
  switchSettings,
} from "../e2e/shared.ts";
import { HOST_KEYS } from "../support/fixtures.ts";
import type { TestMachine } from "../support/machine.ts";
import { type Result, type Running, until } from "../support/process.ts";
import type { Plain } from "../support/target.ts";
import type { Color, Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";

describe("the connection to a host", function () {
  this.timeout(900_000);
  let machine: TestMachine;
  let stack: Stack;

  before(async () => {
    [machine, stack] = [await sharedMachine(), await sharedStack()];
  });

  /** The config's `host` with something else in it. */
  function hostWith(change: Readonly<Record<string, Plain>>): void {
    stack.set({ host: { ...machine.hostConfig(), ...change } });
  }

  it("is one for a whole flip and the way back, whatever asks something of the host", async () => {
    const before = await machine.logins();
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
      for (const to of [other(liveOf(stack)), liveOf(stack)]) {
        stack.set({ active: to });
        const { seconds } = await stack.upOk();
        const began = performance.now();
        await nothingToDo(stack);
        const previewSeconds = (performance.now() - began) / 1000;
        console.log(
          `      flip ${seconds.toFixed(1)} s, preview with nothing to do ${previewSeconds.toFixed(1)} s`,
        );
      }
    });
    // None, where the one of an earlier run was still open.
    const connections = (await machine.logins()) - before;
    assert.ok(connections <= 1, `${connections} connections were made`);
  });

  /** Flips to the other colour, and does this in the middle of its bake, which ends by itself on the host. */
  async function loseInFlip(
    lose: () => Promise<void>,
  ): Promise<{ readonly to: Color; readonly up: Running }> {
    const to = other(liveOf(stack));
    stack.set({ active: to, switch: { ...switchSettings, bakeSeconds: 8 } });
    const up = await stack.startUp();
    await until(`${to} is live`, async () => (await stack.live()) === to);
    await lose();
    return { to, up };
  }

  function assertLost({ code, output }: Result): void {
    assert.notEqual(code, 0, output);
    assert.match(output, /switch-flip.*(failed|exit status 255)/);
    assert.match(output, /the connection to the host was lost; .* ends by itself, then run pulumi up again/);
  }

  it("that is cut while a flip is watched loses nothing, and the next up agrees with the host", async () => {
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      const { to, up } = await loseInFlip(() => machine.cutSsh());
      assertLost(await up.done);
      // The switch on the host never needed the connection: it ends by itself, whatever became of its deployer.
      stack.set({ switch: switchSettings });
      await stack.upOk();
      await load.expect(to);
    });
    assert.equal(await stack.live(), liveOf(stack));
    await nothingToDo(stack);
  });

  it("that goes silent while a flip is watched is given up in 30 s; the host ends on one colour, and the next up agrees", async () => {
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      const { to, up } = await loseInFlip(() => machine.blockSsh());
      try {
        const began = performance.now();
        assertLost(await up.done);
        const silentMs = performance.now() - began;
        assert.ok(silentMs < 30_000, `given up after ${Math.round(silentMs)} ms`);
        console.log(`      given up after ${(silentMs / 1000).toFixed(1)} s`);
        // Nobody could hear it, and yet it ended: nothing is left to be taken up.
        assert.equal(await stack.live(), to);
        assert.match(await stack.read("gateway/conf/start"), new RegExp(`^live ${to}$`, "m"));
        await load.expect(to);
        const still = await stack.up();
        assert.notEqual(still.code, 0, still.output);
        assert.match(still.output, /no SSH connection to 127\.0\.0\.1 port \d+ \(.*timed out/);
        assert.ok(still.seconds < 30, `refused after ${still.seconds} s`);
      } finally {
        await machine.unblockSsh();
      }
      stack.set({ switch: switchSettings });
      await stack.upOk();
    });
    assert.equal(await stack.live(), liveOf(stack));
    await nothingToDo(stack);
  });

  it("that is cut in a release leaves the live colour serving, and the next up ends the release", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      stack.set({ [idle]: await release(newId()) });
      const up = await stack.startUp();
      await up.printed(
        new RegExp(`Container ${stack.container(`api-${idle}`)} (creating|replacing|deleting)`),
      );
      await machine.cutSsh();
      await up.done;
      assert.equal(await stack.live(), live);
      await load.expect("blue", "green");
      stack.set({ active: idle });
      await stack.upOk();
      await load.expect(idle);
    });
    await nothingToDo(stack);
  });

  const REFUSED: readonly [string, () => void | Promise<void>, RegExp][] = [
    [
      "a host with another key than its config says",
      () => {
        hostWith({ hostKey: HOST_KEYS.ed25519 });
      },
      /is not the one this stack knows: its host key \(SHA256:.*\) is not host\.hostKey; nothing was sent/,
    ],
    [
      "a host without a key in its config",
      () => {
        const host = Object.entries(machine.hostConfig()).filter(([name]) => name !== "hostKey");
        stack.set({ host: Object.fromEntries(host) });
      },
      /bluegreen:host\.hostKey: got nothing; allowed: a public host key/,
    ],
    [
      "a port where nobody listens",
      () => {
        hostWith({ port: 1 });
      },
      /no SSH connection to 127\.0\.0\.1 port 1 \(.*Connection refused\)/,
    ],
  ];
  for (const [what, change, expected] of REFUSED) {
    it(`refuses ${what} in one sentence, before anything is changed or sent`, async () => {
      const good = stack.config;
      const before = await machine.logins();
      await change();
      stack.set({ active: other(liveOf(stack)) });
      const up = await stack.up();
      stack.config = good;
      assert.notEqual(up.code, 0, up.output);
      assert.match(up.output, expected);
      assert.doesNotMatch(up.output, /Error pinging Docker server|at .*\.ts:\d+/);
      assert.equal(await machine.logins(), before);
      assert.equal(await stack.live(), liveOf(stack));
      await nothingToDo(stack);
    });
  }
});
