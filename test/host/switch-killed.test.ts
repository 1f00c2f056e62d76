import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";

import { parseSwitchReport } from "../../components/gateway/switch/switch-report.ts";
import type { GatewayStack } from "./gatewayStack.ts";
import { inApp, settledOn, visited, withHealthyStack } from "./switching.ts";

describe("switch.sh, killed and run again", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  withHealthyStack((made) => {
    stack = made;
  });

  // Stand-ins that do the real thing and then kill the script that called them (its whole process group).
  const killing = async (command: string, when: string): Promise<NodeJS.ProcessEnv> => {
    await mkdir(stack.at("shim"), { recursive: true });
    for (const other of ["mv", "curl"]) {
      const body = other === command ? `case "$*" in ${when}) kill -9 0 ;; esac` : "";
      await writeFile(
        stack.at("shim", other),
        `#!/bin/sh\n/usr/bin/env -u SHIM PATH="$REAL_PATH" ${other} "$@"\ncode=$?\n${body}\nexit $code\n`,
      );
      await chmod(stack.at("shim", other), 0o755);
    }
    const path = process.env["PATH"] ?? "";
    return { ...process.env, REAL_PATH: path, PATH: `${stack.at("shim")}:${path}` };
  };

  for (const [moment, command, when, live] of [
    ["before the flip", "mv", "*/unfinished", "blue"],
    ["between start file and dictionary", "mv", "*/start", "blue"],
    ["right after the dictionary was set", "curl", "*'PUT http://gateway/state'*", "green"],
    ["after the proof", "curl", "*'Connection: close'*", "green"],
  ] as const) {
    it(`${moment}: the next run ends the transaction`, async () => {
      const env = await killing(command, when);
      const killed = await stack.switching(stack.plan("green"), { env }).done;
      assert.equal(killed.code, -1, killed.output);
      assert.equal(await stack.live(), live);
      const done = await stack.switch(stack.plan("green"));
      assert.equal(done.code, 0, done.output);
      assert.deepEqual(
        [parseSwitchReport(done.stdout).flipped, parseSwitchReport(done.stdout).previous],
        [true, "blue"],
      );
      await settledOn(stack, "green");
    });

    it(`${moment}: a run back to blue ends there`, async () => {
      await stack.switching(stack.plan("green"), { env: await killing(command, when) }).done;
      const done = await stack.switch(stack.plan("blue"));
      assert.equal(done.code, 0, done.output);
      await settledOn(stack, "blue");
    });
  }

  it("in the bake: the next run bakes again and still knows the way back", async () => {
    const running = stack.switching(stack.plan("green", { bakeSeconds: 30 }));
    await running.printed(/proof: /);
    running.killGroup();
    await running.done;
    assert.equal(await stack.live(), "green");
    await inApp(stack, "green", "touch /tmp/broken");
    try {
      const failed = await visited(stack, stack.switch(stack.plan("green", { bakeSeconds: 10 })));
      assert.match(failed.stderr, /from a run that was cut off; its previous colour was blue/);
      assert.match(failed.stderr, /Undone: blue is live again/);
      await settledOn(stack, "blue");
    } finally {
      await inApp(stack, "green", "rm -f /tmp/broken");
    }
  });
});
