import assert from "node:assert/strict";

import type { Stack } from "../support/stack.ts";
import { at } from "../support/json.ts";
import { withoutLoss } from "../support/visitors.ts";
import { itHere, liveOf, newId, other, release, sharedStack, nothingToDo } from "./shared.ts";

const onlyTheSwitch = { update: 1 };

/** What an `up` did, without what it left alone and the look at its own last outputs. */
function changed(changes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(changes).filter(([what]) => what !== "same" && what !== "read"));
}

async function startedAt(stack: Stack, ...what: string[]): Promise<string> {
  return await stack.docker(
    "inspect",
    "--format",
    "{{.Id}} {{.State.StartedAt}}",
    ...what.map((w) => stack.container(w)),
  );
}

describe("release, flip and roll back", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  it("the first up makes both slots and sends visitors to the active colour", async () => {
    assert.equal(await stack.live(), "blue");
    const response = await fetch(`${stack.url}/version`);
    assert.equal(response.headers.get("x-color"), "blue");
    assert.equal(response.headers.get("x-release"), "1");
    const outputs = await stack.outputs();
    assert.equal(outputs["url"], stack.urlOnHost);
    assert.equal(outputs["live"], "blue");
    assert.equal(at(outputs, "releases", "blue", "release") ?? at(outputs, "releases", "blue"), "1");
    assert.ok(
      !Number.isNaN(Date.parse(String(outputs["switchedAt"]))),
      `switchedAt: ${String(outputs["switchedAt"])}`,
    );
  });

  it("has nothing to do afterwards", async () => {
    await nothingToDo(stack);
    assert.deepEqual(changed((await stack.upOk()).changes), {});
  });

  itHere("a shared setting waits for the next release", async () => {
    const before = stack.config;
    const container = await startedAt(stack, "api-blue", "api-green");
    stack.set({ environment: { GREETING: "hello" }, memoryMb: { api: 144 } });
    await nothingToDo(stack);
    stack.config = before;
    assert.equal(await startedAt(stack, "api-blue", "api-green"), container);
  });

  it("a flip changes one resource, and so does the way back", async () => {
    const containers = await startedAt(stack, "api-blue", "api-green", "gateway", "postgres", "redis");
    await withoutLoss(stack.url, { expect: ["blue"] }, async (load) => {
      for (const to of ["green", "blue"] as const) {
        await load.expect("blue", "green");
        stack.set({ active: to });
        assert.deepEqual(changed((await stack.upOk()).changes), onlyTheSwitch);
        await load.expect(to);
        assert.equal(await stack.live(), to);
        const outputs = await stack.outputs();
        assert.equal(outputs["live"], to);
        assert.ok(
          Number(at(outputs["lastFlip"], "bakeMs")) >= 1000,
          "the flip was watched for its bake time",
        );
      }
    });
    assert.equal(await startedAt(stack, "api-blue", "api-green", "gateway", "postgres", "redis"), containers);
  });

  it("a release onto the idle slot, the flip to it and the way back lose nothing", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const untouched = await startedAt(stack, `api-${live}`, "gateway", "postgres", "redis");
    const id = newId();
    const released = await release(id);
    const report = await withoutLoss(stack.url, { expect: [live] }, async (load) => {
      stack.set({ [idle]: released });
      await stack.upOk();
      await load.expect("blue", "green");
      stack.set({ active: idle });
      await stack.upOk();
      await load.expect(idle);
      assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-release"), id);
      await load.expect("blue", "green");
      stack.set({ active: live });
      await stack.upOk();
      await load.expect(live);
    });
    assert.equal(report.websockets.cut + report.streams.cut, 0, JSON.stringify(report.cuts));
    assert.equal(await startedAt(stack, `api-${live}`, "gateway", "postgres", "redis"), untouched);
  });

  itHere("a release and the flip to it in one up lose nothing", async () => {
    const idle = other(liveOf(stack));
    const released = await release(newId());
    await withoutLoss(stack.url, { expect: [liveOf(stack)] }, async (load) => {
      await load.expect("blue", "green");
      stack.set({ [idle]: released, active: idle });
      await stack.upOk();
      await load.expect(idle);
    });
    assert.equal(await stack.live(), idle);
    await nothingToDo(stack);
  });

  itHere("refuses a release asked of the live slot at preview, and names the other slot", async () => {
    const before = stack.config;
    const live = liveOf(stack);
    stack.set({ [live]: { ...(await release(newId())) } });
    const preview = await stack.preview();
    stack.config = before;
    assert.notEqual(preview.code, 0, preview.output);
    assert.match(preview.output, new RegExp(`${live}\\.release`));
    assert.match(preview.output, new RegExp(`release onto ${other(live)}`));
  });

  it("makes a lost container again exactly as it was, whatever the settings say now", async () => {
    const idle = other(liveOf(stack));
    const inspect = (): Promise<string> =>
      stack.docker(
        "inspect",
        "--format",
        "{{.Config.Image}} {{json .Config.Env}} {{.HostConfig.Memory}} {{json .Config.Labels}}",
        stack.container(`api-${idle}`),
      );
    const before = await inspect();
    const config = stack.config;
    await stack.docker("rm", "--force", stack.container(`api-${idle}`));
    stack.set({ environment: { GREETING: "hello" }, memoryMb: { api: 144 } });
    await stack.upOk("--refresh");
    stack.config = config;
    assert.equal(await inspect(), before);
  });

  itHere("previews and updates the same resources", async () => {
    const idle = other(liveOf(stack));
    stack.set({ [idle]: await release(newId()) });
    const preview: unknown = JSON.parse((await stack.preview("--json")).stdout);
    const planned = at(preview, "changeSummary");
    const up = await stack.upOk();
    assert.deepEqual(planned, up.changes);
  });
});
