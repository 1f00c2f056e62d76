import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { type Fault, NOWHERE } from "../support/images.ts";
import type { Config, Stack, Up } from "../support/stack.ts";
import { describeReport, underLoad, withoutLoss } from "../support/visitors.ts";
import { gentle, liveOf, newId, other, release, sharedStack, switchSettings, nothingToDo } from "./shared.ts";

/** The next `up` with this config brings everything into line, and leaves nothing to do. */
async function converges(stack: Stack, config: Config): Promise<void> {
  stack.config = config;
  await stack.upOk();
  assert.equal(await stack.live(), stack.config["active"]);
  await nothingToDo(stack);
}

function assertRefused(up: Up, reason: RegExp): void {
  assert.notEqual(up.code, 0, up.output);
  assert.match(up.output, reason);
}

describe("a release that goes wrong", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  it("an image that does not exist: both slots go on as they were", async () => {
    const good = stack.config;
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const ids = (): Promise<string> =>
      stack.docker(
        "inspect",
        "--format",
        "{{.Id}}",
        stack.container("api-blue"),
        stack.container("api-green"),
      );
    const before = await ids();
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const wanted = await release(newId());
      stack.set({ [idle]: { ...wanted, images: { api: NOWHERE } }, active: idle });
      assertRefused(await stack.up(), /bluegreen-sample-api:nowhere/);
      assert.equal(await stack.live(), live);
      assert.equal(await ids(), before);
      await converges(stack, good);
    });
  });

  const broken: readonly (readonly [string, Fault])[] = [
    ["a container that exits", "exit"],
    ["a container that never gets healthy", "unhealthy"],
  ];
  for (const [what, fault] of broken) {
    it(`${what}: the live colour goes on, and the next release puts it right`, async () => {
      const good = stack.config;
      const [live, idle] = [liveOf(stack), other(liveOf(stack))];
      const bad = await release(newId(), fault);
      const next = await release(newId());
      await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
        stack.set({ [idle]: bad, active: idle, api: { startSeconds: 2 } });
        assertRefused(await stack.up(), new RegExp(stack.container(`api-${idle}`)));
        assert.equal(await stack.live(), live);
        // Asked again, it is not taken for done. Once is enough: each try lasts as long as a start may.
        if (fault === "exit") assertRefused(await stack.up(), new RegExp(stack.container(`api-${idle}`)));
        assert.equal(await stack.live(), live);
        await load.expect("blue", "green");
        await converges(stack, { ...good, [idle]: next, active: idle });
      });
    });
  }

  it("a smoke check that fails: no visitor sees the release", async () => {
    const good = stack.config;
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const wanted = await release(newId());
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      const smoke = [{ path: "/version", status: 200, json: { release: "another" }, timeoutSeconds: 1 }];
      stack.set({ [idle]: wanted, active: idle, switch: { ...switchSettings, smoke } });
      assertRefused(await stack.up(), /smoke check .*release is/s);
      assert.equal(await stack.live(), live);
      await load.expect("blue", "green");
      await converges(stack, { ...good, [idle]: wanted, active: idle });
    });
  });

  it("too many errors in the bake window: the previous colour is put back", async () => {
    const good = stack.config;
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const bad = await release(newId(), "errors");
    const next = await release(newId());
    const smoke = [{ path: "/health", status: 200, timeoutSeconds: 5 }];
    const report = await underLoad(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      stack.set({ [idle]: bad, active: idle, switch: { ...switchSettings, smoke, bakeSeconds: 5 } });
      assertRefused(await stack.up(), /error/);
      await load.expect(live);
      assert.equal(await stack.live(), live);
      const soFar = (await load.report()).failed;
      await converges(stack, { ...good, [idle]: next });
      assert.equal((await load.report()).failed, soFar, "the previous colour answers all that came after");
    });
    // What visitors saw of the broken release is its own errors, nothing else.
    assert.deepEqual(Object.keys(report.errors), ["status 500"], describeReport(report));
  });

  it("a configuration that Nginx rejects: the old one goes on", async () => {
    const file = path.join(stack.project, "components/gateway/nginx.ts");
    const text = await readFile(file, "utf8");
    const before = await stack.control("GET", "/state");
    await withoutLoss(stack.url, { expect: [liveOf(stack)], kinds: gentle }, async () => {
      assert.ok(text.includes("server_tokens off;"));
      await writeFile(file, text.replace("server_tokens off;", "server_tokens perhaps;"));
      assertRefused(await stack.up(), /Nginx rejects the configuration/);
      assert.deepEqual(await stack.control("GET", "/state"), before);
      await writeFile(file, text);
      await converges(stack, stack.config);
    });
  });

  it("a configuration that Nginx accepts is loaded without loss", async () => {
    const file = path.join(stack.project, "components/gateway/conf/connections.ts");
    const text = await readFile(file, "utf8");
    assert.ok(text.includes("client_header_timeout 15s;"));
    const before = (await stack.control("GET", "/state"))["config"];
    const report = await withoutLoss(stack.url, { expect: [liveOf(stack)] }, async () => {
      await writeFile(file, text.replace("client_header_timeout 15s;", "client_header_timeout 16s;"));
      await stack.upOk();
      assert.notEqual((await stack.control("GET", "/state"))["config"], before);
      await writeFile(file, text);
      await stack.upOk();
      assert.equal((await stack.control("GET", "/state"))["config"], before);
    });
    assert.equal(report.cuts.length, 0, describeReport(report));
  });
});
