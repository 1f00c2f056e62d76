import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { release } from "../support/images.ts";
import { startLoad } from "../support/load/load.ts";
import { docker, until } from "../support/process.ts";
import type { Color, Stack } from "../support/stack.ts";
import { describeReport, withoutLoss } from "../support/visitors.ts";
import { gentle, liveOf, newId, other, sharedStack } from "./shared.ts";

/** Kills a container's first process from outside, as the kernel would: the engine does not take it for a wish. */
async function killProcess(container: string): Promise<void> {
  const pid = await docker("inspect", "--format", "{{.State.Pid}}", container);
  await docker(
    "run",
    "--rm",
    "--pid",
    "host",
    "--user",
    "0",
    "--cap-add",
    "KILL",
    "nginx:1.30",
    "sh",
    "-c",
    `kill -9 ${pid}`,
  );
}

async function colorOf(stack: Stack): Promise<string | null> {
  const response = await fetch(`${stack.url}/version`, { signal: AbortSignal.timeout(1000) }).catch(
    () => undefined,
  );
  return response?.ok === true ? response.headers.get("x-color") : null;
}

describe("a host that changes under it", function () {
  this.timeout(300_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  async function nothingToDo(): Promise<void> {
    const preview = await stack.preview("--expect-no-changes");
    assert.equal(preview.code, 0, preview.output);
  }

  async function upPutsRight(live: Color): Promise<void> {
    await stack.upOk();
    assert.equal(await stack.live(), live);
    assert.match(
      await readFile(path.join(stack.hostDirectory, "gateway/conf/start"), "utf8"),
      new RegExp(`^live ${live}$`, "m"),
    );
    await nothingToDo();
  }

  for (const round of [1, 2]) {
    it(`a killed gateway comes back by itself on the right colour (${round} of both colours)`, async () => {
      stack.set({ active: other(liveOf(stack)) });
      await stack.upOk();
      const live = liveOf(stack);
      const load = await startLoad({
        url: stack.url,
        kinds: { get: { clients: 2, pauseMs: 10 } },
        expect: [live],
      });
      try {
        await killProcess(stack.container("gateway"));
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
      await nothingToDo();
    });
  }

  it("a live container that is killed comes back by itself", async () => {
    const live = liveOf(stack);
    await killProcess(stack.container(`api-${live}`));
    await until("the live colour answers again", async () => (await colorOf(stack)) === live);
    await nothingToDo();
  });

  it("an idle container that is killed costs visitors nothing", async () => {
    const live = liveOf(stack);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const idle = stack.container(`api-${other(live)}`);
      await killProcess(idle);
      await until(
        "it is healthy again",
        async () => (await docker("inspect", "--format", "{{.State.Health.Status}}", idle)) === "healthy",
      );
    });
  });

  it("the gateway's directory changed by hand is put right by the next up, without loss", async () => {
    const live = liveOf(stack);
    const conf = path.join(stack.hostDirectory, "gateway/conf");
    const before = await readFile(path.join(conf, "nginx.conf"), "utf8");
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      await appendFile(path.join(conf, "nginx.conf"), "# by hand\n");
      await upPutsRight(live);
      assert.equal(await readFile(path.join(conf, "nginx.conf"), "utf8"), before);
    });
  });

  it("a start file changed by hand is put right by the next up", async () => {
    const live = liveOf(stack);
    const start = path.join(stack.hostDirectory, "gateway/conf/start");
    const before = await readFile(start, "utf8");
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      await writeFile(start, before.replace(`live ${live}`, `live ${other(live)}`));
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
      docker("inspect", "--format", "{{.Id}}", stack.container(`api-${believedIdle}`));
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
