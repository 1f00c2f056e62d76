import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

import { docker, run, until } from "../support/process.ts";
import { type GatewayStack, converse, idle, UPGRADE } from "./gatewayStack.ts";
import { settledOn, withHealthyStack } from "./switching.ts";

describe("guard.sh on a real engine", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  withHealthyStack((made) => {
    stack = made;
  });

  it("refuses the live colour whatever the start file says, and mends the file", async () => {
    await writeFile(
      stack.at("gateway/conf/start"),
      "live green\ncanary 0\nrelease.blue 1\nrelease.green 2\n",
    );
    const refused = await stack.guard("blue");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /the gateway says blue is live, on release 1: it is not touched/);
    assert.equal(await stack.start(), "blue");
    assert.equal((await stack.guard("green")).code, 0);
  });

  it("lets a colour go that has no container, as after a destroy", async () => {
    const done = await run(stack.at("bin/guard.sh"), [stack.directory, "blue", "5", stack.container("red")]);
    assert.equal(done.code, 0, done.output);
    assert.match(done.stderr, /blue has no container yet/);
  });

  it("lets a live colour be that runs what is wanted already: nothing would be replaced", async () => {
    const container = stack.container("blue");
    const label = (name: string) =>
      docker("inspect", "--format", `{{index .Config.Labels "bluegreen.${name}"}}`, container);
    const [release, settings] = [(await label("release")).trim(), (await label("settings")).trim()];
    const ask = (hash: string) =>
      run(stack.at("bin/guard.sh"), [stack.directory, "blue", "5", container], {
        input: `release ${release}\nimage any\ncontainer ${hash}\n`,
      });
    assert.match((await ask(settings)).stderr, /blue runs this release already/);
    assert.equal((await ask("another")).code, 1);
  });

  it("asks about every container of a slot: one that differs is enough, one that is missing is no loss", async () => {
    const ask = (...wanted: readonly (readonly [string, string])[]) =>
      run(
        stack.at("bin/guard.sh"),
        [stack.directory, "blue", "5", ...wanted.map(([what]) => stack.container(what))],
        {
          input: `release 1\n${wanted.map(([, hash]) => `image any\ncontainer ${hash}\n`).join("")}`,
        },
      );
    const same = await ask(["blue", "c0ffee"], ["worker", "c0ffee"]);
    assert.match(same.stderr, /blue runs this release already/);
    assert.match((await ask(["worker", "c0ffee"], ["beat", "c0ffee"])).stderr, /no container yet/);
    for (const wanted of [
      [
        ["blue", "another"],
        ["worker", "c0ffee"],
      ],
      [
        ["worker", "c0ffee"],
        ["blue", "another"],
      ],
      // Stands for a second container, of an older release.
      [
        ["blue", "c0ffee"],
        ["green", "c0ffee"],
      ],
    ] as const) {
      const refused = await ask(...wanted);
      assert.equal(refused.code, 1, refused.output);
      assert.match(refused.stderr, /the gateway says blue is live/);
    }
  });

  it("takes back a flip that was cut off in its bake, when the colour is to be replaced", async () => {
    const running = stack.switching(stack.plan("green", { bakeSeconds: 30 }));
    await running.printed(/proof: /);
    running.killGroup();
    await running.done;
    const done = await stack.guard("green");
    assert.equal(done.code, 0, done.output);
    assert.match(done.stderr, /a flip to green was cut off before it was proven: blue is live again/);
    assert.equal(existsSync(stack.at("gateway/unfinished")), false);
    await settledOn(stack, "blue");
  });

  it("leaves maintenance on, also where it takes back a flip that was cut off", async () => {
    await stack.setState("blue", 0, 60);
    const start = await readFile(stack.at("gateway/conf/start"), "utf8");
    const quiet = await stack.guard("green");
    assert.equal(quiet.code, 0, quiet.output);
    assert.doesNotMatch(quiet.stderr, /start file/);
    assert.equal(await readFile(stack.at("gateway/conf/start"), "utf8"), start);

    const running = stack.switching(stack.plan("green", { bakeSeconds: 30, maintenance: 60 }));
    await running.printed(/proof: /);
    running.killGroup();
    await running.done;
    const done = await stack.guard("green");
    assert.match(done.stderr, /a flip to green was cut off before it was proven: blue is live again/);
    assert.equal(await stack.value("/state", "maintenance"), "60");
    assert.match(await readFile(stack.at("gateway/conf/start"), "utf8"), /^maintenance 60$/m);
  });

  it("refuses a colour that gets a canary's visitors", async () => {
    await stack.setState("blue", 10);
    const refused = await stack.guard("green");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /sends 10 % of visitors to green/);
  });

  it("asks the start file while the gateway is down", async () => {
    await docker("stop", "--time", "1", stack.container("gateway"));
    try {
      assert.match((await stack.guard("blue")).stderr, /its start file says blue is live/);
      assert.equal((await stack.guard("green")).code, 0);
    } finally {
      await docker("start", stack.container("gateway"));
      await stack.untilServing();
    }
  });

  it("waits for open connections, until they end or the drain window is over", async () => {
    const { socket } = await converse(stack.port, UPGRADE, /\r\n\r\n/);
    assert.equal((await stack.switch(stack.plan("green"))).code, 0);
    let began = Date.now();
    const patient = stack.guard("blue", 20);
    setTimeout(() => socket.destroy(), 1000);
    const done = await patient;
    assert.equal(done.code, 0);
    assert.match(done.stderr, /waiting for 1 open connections to blue/);
    assert.ok(Date.now() - began >= 950 && Date.now() - began < 10_000);

    const held = await converse(stack.port, UPGRADE.replace("/ws", "/ws?2"), /\r\n\r\n/);
    assert.equal((await stack.switch(stack.plan("blue"))).code, 0);
    // However long ago the flip was: the window belongs to the release that replaces the slot.
    await until("the flip to be older than the window", () => Date.now() - began > 2500, 5000);
    began = Date.now();
    const over = await stack.guard("green", 2);
    assert.equal(over.code, 0);
    assert.match(over.stderr, /1 connections to green are still open, its 2 s are over/);
    assert.ok(Date.now() - began >= 1000 && Date.now() - began < 5000);
    held.socket.destroy();
  });

  it("waits for a switch that is still running before it looks", async () => {
    const running = stack.switching(stack.plan("green", { bakeSeconds: 1 }));
    await running.printed(/smoke: /);
    const refused = await stack.guard("green");
    assert.equal((await running.done).code, 0);
    assert.match(refused.stderr, /the gateway says green is live/);
    assert.equal(idle("green"), "blue");
  });
});
