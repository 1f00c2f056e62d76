import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { driftOf } from "../../delivery/drift/report.ts";
import { type Events, readEvents } from "../../delivery/preview/events.ts";
import { isSound, planOf } from "../../delivery/preview/plan.ts";
import { type Config, Stack } from "../support/stack.ts";
import { liveOf, other, sharedStack } from "./shared.ts";

const PACK = fileURLToPath(new URL("../../policy/serve.sh", import.meta.url));

/** A preview as the workflow reads it. */
async function events(stack: Stack, ...more: readonly string[]): Promise<Events> {
  process.env["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] = "true";
  try {
    const { stdout, output } = await stack.preview("--json", ...more);
    const read = readEvents(stdout);
    assert.ok(read.complete, output);
    return read;
  } finally {
    delete process.env["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"];
  }
}

describe("the project's rules, in a real preview", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    const release = { release: "1", images: { api: "app:1" } };
    stack = await Stack.create("policy", { active: "blue", blue: release });
  });
  after(() => stack.remove());

  const change = async (file: string, from: string, to: string) => {
    const whole = path.join(stack.project, file);
    const text = await readFile(whole, "utf8");
    assert.ok(text.includes(from), `${file} has no ${from}`);
    await writeFile(whole, text.replace(from, to));
  };

  it("have nothing against the program as it is, with the pack too; its plan, memory and cost are there to read", async () => {
    const plan = planOf("dev", await events(stack, "--policy-pack", PACK), "blue");
    assert.deepEqual([plan.errors, plan.policy], [[], []]);
    assert.ok(plan.steps.some(({ op, name }) => op === "create" && name === stack.container("api-blue")));
    assert.match(plan.memory, /MB promised of/);
    assert.deepEqual(plan.live, { kind: "first" });
  });

  it("are enforced by the program itself, pack or no pack", async () => {
    await change("components/host/container.ts", "readOnly: true", "readOnly: false");
    const { code, output } = await stack.preview();
    assert.notEqual(code, 0, output);
    assert.match(output, /breaks a rule of this project[^]*read-only: may write to its root/);
  });

  it("are mandatory in the pack, for a program that does not ask", async () => {
    await change("index.ts", "enforceRules({", "void ({");
    const plan = planOf("dev", await events(stack, "--policy-pack", PACK), "blue");
    assert.equal(isSound(plan), false);
    assert.ok(plan.policy.some((line) => line.startsWith(`read-only: ${stack.container("api-blue")}: `)));
    const { code, output } = await stack.preview("--policy-pack", PACK);
    assert.notEqual(code, 0, output);
    assert.match(output, /\[mandatory\] {2}read-only/);
  });
});

describe("what a reviewer is told of a stack that serves", function () {
  this.timeout(900_000);
  let stack: Stack;
  let good: Config;

  before(async () => {
    stack = await sharedStack();
    good = stack.config;
  });
  afterEach(() => {
    stack.config = good;
  });

  it("is nothing, where nothing is to be done or has drifted", async () => {
    const plan = planOf("dev", await events(stack, "--refresh", "--policy-pack", PACK), "blue");
    assert.deepEqual(driftOf(plan), { kind: "none" });
    assert.deepEqual([plan.live, plan.policy], [{ kind: "untouched", live: liveOf(stack) }, []]);
  });

  it("is a flip, by the one resource that it changes", async () => {
    const [live, to] = [liveOf(stack), other(liveOf(stack))];
    stack.set({ active: to });
    const plan = planOf("dev", await events(stack), to);
    assert.deepEqual(plan.live, { kind: "switched", live, to });
    assert.deepEqual(
      plan.steps.map(({ op, name }) => `${op} ${name}`),
      ["update switch-flip"],
    );
  });

  it("is the gateway, where a change would replace or alter what visitors talk to", async () => {
    stack.set({ memoryMb: { gateway: 96 } });
    const { live } = planOf("dev", await events(stack), liveOf(stack));
    assert.deepEqual(live, {
      kind: "touched",
      live: liveOf(stack),
      resources: [`update ${stack.container("gateway")}`],
    });
  });

  it("is drift, where somebody removed a container by hand", async () => {
    const idle = stack.container(`api-${other(liveOf(stack))}`);
    await stack.docker("rm", "--force", idle);
    const drift = driftOf(planOf("dev", await events(stack, "--refresh"), liveOf(stack)));
    assert.ok(
      drift.kind === "drifted" && drift.lines.some((line) => line.includes(idle)),
      JSON.stringify(drift),
    );
    await stack.upOk("--refresh");
  });
});
