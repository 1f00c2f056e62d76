import assert from "node:assert/strict";
import { existsSync } from "node:fs";

import { docker, until } from "../support/process.ts";
import { type Color, GatewayStack, colors } from "./gatewayStack.ts";

/** For a `describe`: a stack of its own, both colours healthy; before each case blue is live. */
export function withHealthyStack(take: (stack: GatewayStack) => void): void {
  let stack: GatewayStack | undefined;
  before(async () => {
    stack = await healthyStack();
    take(stack);
  });
  after(async () => {
    await stack?.remove();
  });
  beforeEach(async () => {
    await stack?.setState("blue");
  });
}

/** A gateway with two applications behind it, both healthy. */
async function healthyStack(): Promise<GatewayStack> {
  const stack = await GatewayStack.make();
  await until("both applications are healthy", async () => {
    const states = colors.map((color) =>
      docker("inspect", "--format", "{{.State.Health.Status}}", stack.container(color)),
    );
    return (await Promise.all(states)).every((state) => state === "healthy");
  });
  return stack;
}

export const inApp = async (stack: GatewayStack, color: Color, command: string): Promise<string> =>
  await docker("exec", stack.container(color), "sh", "-c", command);
export const outside = async (stack: GatewayStack): Promise<string | null> =>
  (await fetch(stack.url())).headers.get("x-color");

/** Everything that can be asked agrees that `color` is live, and no transaction is open. */
export async function settledOn(stack: GatewayStack, color: Color | "none"): Promise<void> {
  assert.equal(await stack.live(), color, "the dictionary");
  assert.equal(await stack.start(), color, "the start file");
  assert.equal((await outside(stack)) ?? "none", color, "asked from outside");
  assert.ok(!existsSync(stack.at("gateway/unfinished")), "the transaction is closed");
}

/** Visitors for as long as `work` takes. */
export async function visited<T>(stack: GatewayStack, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const visits = (async () => {
    while (!over.signal.aborted) await fetch(stack.url("/x")).then((answer) => answer.text());
  })();
  try {
    return await work;
  } finally {
    over.abort();
    await visits;
  }
}
