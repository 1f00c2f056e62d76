import assert from "node:assert/strict";

import { flip, newId, switchSettings } from "../e2e/shared.ts";
import { loadStackImages, releaseOn } from "../support/images.ts";
import { TestMachine } from "../support/machine.ts";
import { docker } from "../support/process.ts";
import { Stack } from "../support/stack.ts";
import { machineTarget } from "../support/target.ts";
import { everyKind, withoutLoss } from "../support/visitors.ts";

/** What a t2.micro, t3.micro or t4g.micro has; here without its swap. */
const MICRO_MB = 1024;

describe("a machine with 1 GiB", function () {
  this.timeout(900_000);
  let machine: TestMachine;
  let stack: Stack;

  before(async () => {
    machine = await TestMachine.create("micro", { memoryMb: MICRO_MB });
    await loadStackImages(machine);
    const config = {
      active: "blue",
      blue: await releaseOn(machine, newId()),
      green: await releaseOn(machine, newId()),
      switch: switchSettings,
    };
    stack = await Stack.create("micro", config, machineTarget(machine));
    await stack.upOk();
  });

  after(async () => {
    await stack.remove();
    await machine.remove();
  });

  /** As `docker stats` counts it: without the page cache, which gives way. */
  async function used(): Promise<string> {
    const format = "{{.MemUsage}}";
    const all = await docker("stats", "--no-stream", "--format", format, machine.container);
    const each = await stack.docker("stats", "--no-stream", "--format", `{{.Name}} ${format}`);
    return [`all of the machine ${all}`, ...each.split("\n")].join("; ");
  }

  it("holds both colours through a release and flips under load: no request fails, nothing is killed for memory", async () => {
    const next = await releaseOn(machine, newId());
    await withoutLoss(stack.url, { expect: ["blue"], kinds: everyKind }, async (load) => {
      await flip(stack, load);
      stack.set({ blue: next });
      await stack.upOk();
      await flip(stack, load);
      console.log(`      ${await used()}`);
    });
    const kills = await machine.execOk(
      // With cgroups of version 1 the machine's own are seen nowhere else.
      "/usr/lib/machine/inside-host-cgroups",
      "sh",
      "-c",
      "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null | grep -w oom_kill",
    );
    assert.match(kills, /^oom_kill 0$/m);
    const names = (await stack.docker("ps", "--all", "--format", "{{.Names}}")).split("\n");
    const seen = await stack.docker(
      "inspect",
      "--format",
      "{{.State.OOMKilled}} {{.RestartCount}}",
      ...names,
    );
    assert.deepEqual([...new Set(seen.split("\n"))], ["false 0"], seen);
  });
});
