import assert from "node:assert/strict";

import {
  newId,
  gentle,
  liveOf,
  other,
  release,
  sharedMachine,
  sharedStack,
  nothingToDo,
} from "../e2e/shared.ts";
import { run } from "../support/process.ts";
import { openPorts } from "../support/scan.ts";
import type { Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";

/** A person at another computer: an own `~/.ssh` that knows nothing yet. A mount namespace is gone with its command. */
const ELSEWHERE = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount -t tmpfs -o mode=700 tmpfs ~root/.ssh && exec "$@"',
  "sh",
];

describe("who deploys, and who else gets in", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    await run("mkdir", ["-p", "-m", "0700", "/root/.ssh"]);
    stack = await sharedStack();
  });

  it("a second deployer sees no change, and flips without loss", async () => {
    const second = stack.by(ELSEWHERE);
    await nothingToDo(second);
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      second.set({ active: other(liveOf(stack)) });
      const up = await second.upOk();
      assert.equal(up.changes["update"], 1, up.output);
      await load.expect(liveOf(second));
    });
    stack.set({ active: liveOf(second) });
    await nothingToDo(stack);
  });

  it("of two deployers at once one does it, the other is told to wait", async () => {
    const idle = other(liveOf(stack));
    stack.set({ active: idle, [idle]: await release(newId()) });
    const second = stack.by(ELSEWHERE);
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async (load) => {
      const both = [await stack.startUp(), await second.startUp()];
      const failed = (await Promise.all(both.map((up) => up.done))).filter(({ code }) => code !== 0);
      assert.ok(failed.length <= 1, failed.map(({ output }) => output).join("\n---\n"));
      for (const { output } of failed) assert.match(output, /locked/);
      await stack.upOk();
      await load.expect(idle);
    });
  });

  it("no port is open to the world but SSH and the gateway's", async () => {
    const address = await (await sharedMachine()).networkAddress();
    assert.deepEqual(await openPorts(address), [22, 8080]);
  });
});
