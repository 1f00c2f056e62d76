import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readFile } from "node:fs/promises";

import { switchSettings, nothingToDo } from "../e2e/shared.ts";
import { NOWHERE, loadStackImages, releaseOn } from "../support/images.ts";
import { TestMachine } from "../support/machine.ts";
import { Stack } from "../support/stack.ts";
import { machineTarget } from "../support/target.ts";

const registry = fileURLToPath(new URL("../../toolchain/images/machine/registry.yml", import.meta.url));

describe("a server as it is bought", function () {
  this.timeout(1_200_000);
  let machine: TestMachine;
  let stack: Stack;

  before(async () => {
    machine = await TestMachine.create("empty", { bare: true });
    const nowhere = { release: "1", images: { api: NOWHERE } };
    const config = { active: "blue", blue: nowhere, switch: switchSettings, api: { startSeconds: 20 } };
    stack = await Stack.create("empty", config, machineTarget(machine));
  });

  after(async () => {
    await stack.remove();
    await machine.remove();
  });

  it("is previewed whole, though it has no Docker engine yet, and stays as it is", async () => {
    const preview = await stack.preview();
    assert.equal(preview.code, 0, preview.output);
    for (const name of ["host-prepare", "api-blue", "gateway", "switch-flip"]) {
      assert.match(preview.output, new RegExp(`\\+ .*${name}.*create`), name);
    }
    assert.notEqual((await machine.exec("sh", "-c", "command -v docker")).code, 0);
  });

  it("is prepared by the first up, and used by the same one: what then fails is an image that is nowhere", async () => {
    const up = await stack.up();
    assert.notEqual(up.code, 0);
    assert.match(up.output, /host-prepare.*created/);
    assert.match(up.output, /data-secrets created|bluegreen-\S+ created/);
    assert.doesNotMatch(up.output, /pinging Docker|permission denied/);
    console.log(`      ${up.seconds.toFixed(0)} s, with Docker's packages from the mirror`);
  });

  it("serves after the next up, which prepares nothing again", async () => {
    await machine.execOk(
      "sh",
      "-c",
      "apt-get install -y --no-install-recommends docker-registry >/dev/null 2>&1",
    );
    await machine.write("/etc/docker/registry/config.yml", await readFile(registry, "utf8"));
    await machine.execOk("systemctl", "restart", "docker-registry");
    await loadStackImages(machine);
    stack.set({ blue: await releaseOn(machine, "1") });
    const up = await stack.upOk();
    assert.doesNotMatch(up.output, /host-prepare (creat|updat)/);
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-release"), "1");
    await nothingToDo(stack);
  });

  it("whose Docker engine is lost is prepared again, and serves as before", async () => {
    await machine.execOk("systemctl", "disable", "--now", "docker.socket", "docker.service");
    const preview = await stack.preview();
    assert.equal(preview.code, 0, preview.output);
    assert.match(preview.output, /~ .*host-prepare.*update/);
    await stack.upOk();
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-color"), "blue");
    await nothingToDo(stack);
  });

  it("refuses a deployer who cannot become root there, with what to do", async () => {
    await machine.execOk("mv", "/etc/sudoers.d/deploy", "/root/sudoers");
    await machine.execOk("systemctl", "stop", "docker.socket", "docker.service");
    try {
      const { code, output } = await stack.preview();
      assert.notEqual(code, 0);
      assert.match(
        output,
        /has a Docker engine that does not answer, and deploy cannot become root.*\/etc\/sudoers\.d\/bluegreen/,
      );
    } finally {
      await machine.execOk("mv", "/root/sudoers", "/etc/sudoers.d/deploy");
      await machine.execOk("systemctl", "start", "docker.service");
    }
  });
});
