import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";

import { docker } from "../support/process.ts";
import { removeLeftovers } from "../support/leftovers.ts";
import { Stack } from "../support/stack.ts";
import { storedWrites } from "../support/visitors.ts";
import { sharedConfig } from "./shared.ts";

describe("docs/disaster.md", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await Stack.create("disaster", await sharedConfig());
    await stack.upOk();
    const response = await fetch(`${stack.url}/items`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ clientId: "disaster-1", name: "kept" }),
    });
    assert.equal(response.status, 201, await response.text());
  });
  after(async () => {
    await stack.remove();
  });

  async function forgetState(): Promise<void> {
    await stack.pulumi("stack", "rm", "--yes", "--force", "--preserve-config", "--stack", stack.name);
    await stack.pulumi("stack", "init", stack.name);
  }

  const stored = () => storedWrites(stack.url, "disaster-");
  const password = () => readFile(path.join(stack.hostDirectory, "secrets/values/database_password"), "utf8");

  it("an earlier state is put back, and the next up finds what runs", async () => {
    const file = path.join(stack.folder, "earlier.json");
    await stack.pulumi("stack", "export", "--stack", stack.name, "--file", file);
    await forgetState();
    await stack.pulumi("stack", "import", "--stack", stack.name, "--file", file);
    const up = await stack.upOk("--refresh");
    const done = Object.keys(up.changes).filter((what) => what !== "read");
    assert.deepEqual(done, ["same"], up.output);
  });

  it("without any state, up refuses, says what to remove, and then takes over the data", async () => {
    const before = await password();
    await forgetState();
    const refused = await stack.up();
    assert.notEqual(refused.code, 0);
    const said = /docker rm --force ([\w -]+?) *&& docker network rm ([\w-]+)/.exec(refused.output);
    assert.ok(said, refused.output);
    assert.equal((await fetch(`${stack.url}/version`)).status, 200, "what ran goes on running");
    await docker("rm", "--force", ...(said[1] ?? "").trim().split(/ +/));
    await docker("network", "rm", said[2] ?? "");
    await stack.upOk();
    assert.deepEqual([...(await stored())], ["disaster-1"]);
    assert.equal(await password(), before);
  });

  it("with the host gone too, the old state is forgotten and the stack begins anew, with new passwords", async () => {
    const before = await password();
    await removeLeftovers(stack.name);
    await rm(stack.hostDirectory, { recursive: true, force: true });
    await forgetState();
    await stack.upOk();
    assert.equal((await fetch(`${stack.url}/health`)).status, 200);
    assert.notEqual(await password(), before);
    assert.deepEqual([...(await stored())], []);
  });
});
