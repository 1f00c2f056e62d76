import assert from "node:assert/strict";

import { type Color, type Config, Stack } from "../support/stack.ts";
import type { Load, Plan } from "../support/load/load.ts";
import { type Fault, type ReleaseConfig, loadStackImages, releaseOn } from "../support/images.ts";
import { release as releaseHere } from "../support/images.ts";
import { TestMachine } from "../support/machine.ts";
import { localTarget, machineTarget } from "../support/target.ts";

/** The tests of this folder run on this machine's engine, or, so asked, on a test machine over SSH. */
export const overSsh = process.env["BLUEGREEN_TEST_TARGET"] === "machine";

/** A test whose point has nothing to do with the way to the host: over SSH it would take time and show nothing new. */
export const itHere: (title: string, test: Mocha.AsyncFunc) => void = overSsh ? () => undefined : it;

let machine: Promise<TestMachine> | undefined;

/** The machine of all tests over SSH, with what a stack needs; made by whoever asks first, removed at the end. */
export function sharedMachine(): Promise<TestMachine> {
  machine ??= (async () => {
    const made = await TestMachine.create("shared");
    await loadStackImages(made);
    return made;
  })();
  return machine;
}

/** One slot's config: a release of the sample, its image where the shared stack lives. */
export async function release(id: string, fault: Fault = "none"): Promise<ReleaseConfig> {
  return overSsh ? await releaseOn(await sharedMachine(), id, fault) : await releaseHere(id, fault);
}

/** Quick settings: what is tested is the order of things, not how long a bake should be. */
export const switchSettings: Config = {
  smoke: [
    { path: "/health", status: 200, json: { "services.database.status": "ok" }, timeoutSeconds: 5 },
    { path: "/version", status: 200, timeoutSeconds: 2 },
  ],
  bakeSeconds: 1,
  drainSeconds: 2,
};

export async function sharedConfig(): Promise<Config> {
  return {
    active: "blue",
    blue: await release("1"),
    green: await release("2"),
    switch: switchSettings,
    api: { startSeconds: 20 },
  };
}

/** A few clients of each kind, about 120 requests a second: for tests in which something else is the point. */
export const gentle: Plan["kinds"] = {
  get: { clients: 4, pauseMs: 60 },
  post: { clients: 2, pauseMs: 100 },
  fresh: { clients: 2, pauseMs: 60 },
  slow: { clients: 2 },
};

let shared: Promise<Stack> | undefined;

/** The one stack that most tests share, up with blue live; made by whoever asks first, removed at the end. */
export function sharedStack(): Promise<Stack> {
  shared ??= (async () => {
    const target = overSsh ? machineTarget(await sharedMachine()) : localTarget();
    const stack = await Stack.create("shared", await sharedConfig(), target);
    await stack.upOk();
    return stack;
  })();
  return shared;
}

after(async function () {
  this.timeout(900_000);
  // A stack that never came up has nothing to be read from, but may have left things behind.
  const stack = await shared?.catch(() => undefined);
  await stack?.remove();
  await (await machine?.catch(() => undefined))?.remove();
});

// A test that failed on its way must not fail those after it: back to what last worked.
afterEach(async function () {
  if (shared === undefined || this.currentTest?.state !== "failed") return;
  this.timeout(900_000);
  const stack = await shared;
  await stack.cancel();
  stack.config = stack.lastGood;
  await stack.upOk();
});

export function other(color: Color): Color {
  return color === "blue" ? "green" : "blue";
}

/** The state, the config and the host agree. */
export async function nothingToDo(stack: Stack): Promise<void> {
  const preview = await stack.preview("--expect-no-changes");
  assert.equal(preview.code, 0, preview.output);
}

/** The config says which colour is live; the state agrees in between tests. */
export function liveOf(stack: Stack): Color {
  return stack.config["active"] === "green" ? "green" : "blue";
}

/** A flip by `pulumi up` under load: meanwhile either colour may answer, afterwards only the new one. */
export async function flip(stack: Stack, load: Load): Promise<void> {
  const to = other(liveOf(stack));
  await load.expect("blue", "green");
  stack.set({ active: to });
  await stack.upOk();
  await load.expect(to);
}

let nextRelease = 100;

/** A release id no test has used yet. */
export function newId(): string {
  return String(nextRelease++);
}
