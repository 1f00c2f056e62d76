import assert from "node:assert/strict";

import { startLoad } from "../support/load/load.ts";
import { until } from "../support/process.ts";
import type { Color, Stack } from "../support/stack.ts";
import { describeReport, withoutLoss } from "../support/visitors.ts";
import { gentle, itHere, liveOf, newId, nothingToDo, other, release, sharedStack } from "./shared.ts";

/** Kills a container's first process from outside, as the kernel would: the engine does not take it for a wish. */
async function killProcess(stack: Stack, what: string): Promise<void> {
  const pid = await stack.docker("inspect", "--format", "{{.State.Pid}}", stack.container(what));
  const powers = ["--pid", "host", "--user", "0", "--cap-add", "KILL"];
  await stack.docker("run", "--rm", ...powers, "nginx:1.30", "sh", "-c", `kill -9 ${pid}`);
}

async function colorOf(stack: Stack): Promise<string | null> {
  const response = await fetch(`${stack.url}/version`, { signal: AbortSignal.timeout(1000) }).catch(
    () => undefined,
  );
  return response?.ok === true ? response.headers.get("x-color") : null;
}

describe("a host that changes under it", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  async function upPutsRight(live: Color): Promise<void> {
    await stack.upOk();
    assert.equal(await stack.live(), live);
    assert.match(await stack.read("gateway/conf/start"), new RegExp(`^live ${live}$`, "m"));
    await nothingToDo(stack);
  }

  for (const round of [1, 2]) {
    itHere(
      `a killed gateway comes back by itself on the right colour (${round} of both colours)`,
      async () => {
        stack.set({ active: other(liveOf(stack)) });
        await stack.upOk();
        const live = liveOf(stack);
        const load = await startLoad({
          url: stack.url,
          kinds: { get: { clients: 2, pauseMs: 10 } },
          expect: [live],
        });
        try {
          await killProcess(stack, "gateway");
          const began = performance.now();
          await until("the gateway answers again", async () => (await colorOf(stack)) !== null);
          const downMs = Math.round(performance.now() - began);
          assert.equal(await colorOf(stack), live);
          await load.mark();
          const report = await load.stop();
          assert.ok(report.failed > 0, "the gateway was not down at all");
          assert.ok(
            !Object.keys(report.errors).some((error) => error.startsWith("answered by")),
            describeReport(report),
          );
          assert.ok(downMs < 10_000, `down for ${downMs} ms`);
          console.log(`      down for ${downMs} ms, ${report.failed} of ${report.requests} requests lost`);
        } finally {
          load.close();
        }
        await nothingToDo(stack);
      },
    );
  }

  itHere("a live container that is killed comes back by itself", async () => {
    const live = liveOf(stack);
    await killProcess(stack, `api-${live}`);
    await until("the live colour answers again", async () => (await colorOf(stack)) === live);
    await nothingToDo(stack);
  });

  itHere("an idle container that is killed costs visitors nothing", async () => {
    const live = liveOf(stack);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const idle = `api-${other(live)}`;
      const health = ["inspect", "--format", "{{.State.Health.Status}}", stack.container(idle)];
      await killProcess(stack, idle);
      await until("it is healthy again", async () => (await stack.docker(...health)) === "healthy");
    });
  });

  it("the gateway's directory changed by hand is put right by the next up, without loss", async () => {
    const live = liveOf(stack);
    const file = "gateway/conf/nginx.conf";
    const before = await stack.read(file);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      await stack.write(file, `${before}# by hand\n`);
      await upPutsRight(live);
      assert.equal(await stack.read(file), before);
    });
  });

  itHere("a start file changed by hand is put right by the next up", async () => {
    const live = liveOf(stack);
    const start = "gateway/conf/start";
    const before = await stack.read(start);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      await stack.write(start, before.replace(`live ${live}`, `live ${other(live)}`));
      await upPutsRight(live);
    });
  });

  it("state that says one colour while the host says the other: up puts the asked one back", async () => {
    const live = liveOf(stack);
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      await stack.control("PUT", `/state?live=${other(live)}`);
      await upPutsRight(live);
      await load.expect(live);
    });
  });

  it("the host has the last word: a slot that the gateway points at is not replaced, whatever the state says", async () => {
    const live = liveOf(stack);
    const believedIdle = other(live);
    const good = stack.config;
    const container = (): Promise<string> =>
      stack.docker("inspect", "--format", "{{.Id}}", stack.container(`api-${believedIdle}`));
    const before = await container();
    const wanted = await release(newId());
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      await stack.control("PUT", `/state?live=${believedIdle}`);
      stack.set({ [believedIdle]: wanted });
      const up = await stack.up();
      assert.notEqual(up.code, 0, up.output);
      assert.match(up.output, new RegExp(`${believedIdle} is live, on release \\S+: it is not touched`));
      assert.equal(await container(), before);
      assert.equal(await stack.live(), believedIdle);
      stack.config = good;
      await upPutsRight(live);
      await load.expect(live);
    });
  });
});
