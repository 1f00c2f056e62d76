import { readFile } from "node:fs/promises";
import path from "node:path";

import { release } from "../test/support/images.ts";
import { docker } from "../test/support/process.ts";
import { at } from "../test/support/json.ts";
import type { Plan } from "../test/support/load/load.ts";
import { Stack } from "../test/support/stack.ts";
import { underLoad } from "../test/support/visitors.ts";
import type { Spread } from "./flips.ts";
import { spread } from "./flips.ts";
import { containerMemoryBytes } from "./peers/ours.ts";
import type { Throughput } from "./throughput.ts";
import { wrk } from "./throughput.ts";

export interface StackFigures {
  readonly previewSeconds: Spread;
  readonly noOpSeconds: Spread;
  /** The program's process in a no-op preview, the SDK's runner and the engine's answers included. */
  readonly program: { readonly cpuSeconds: Spread; readonly megabytes: Spread };
  readonly flipSeconds: Spread;
  readonly releaseAndFlipSeconds: Spread;
  readonly changedByFlip: number;
  /** As the switch reports it: start file and dictionary written and read back. */
  readonly switchFlipMs: Spread;
  readonly switchTotalMs: Spread;
  readonly requests: number;
  readonly failed: number;
  readonly memoryMb: Readonly<Record<string, number>>;
  readonly sampleDirect: Throughput;
  readonly sampleThroughGateway: Throughput;
}

const rounds = 5;

export const stackSwitch = {
  smoke: [{ path: "/health" }, { path: "/version" }],
  bakeSeconds: 0,
  drainSeconds: 0,
};

/** At a pace that leaves the machine room for `pulumi up`. */
export const visitors: Plan["kinds"] = {
  get: { clients: 8, pauseMs: 40 },
  post: { clients: 2, pauseMs: 40 },
  fresh: { clients: 2, pauseMs: 40 },
};

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** A whole stack with the sample on both slots, by the real `pulumi`. Flips and releases happen under load. */
export async function measureStack(): Promise<StackFigures> {
  const stack = await Stack.create("bench", {
    active: "blue",
    blue: await release("1"),
    green: await release("2"),
    switch: stackSwitch,
  });
  try {
    await stack.upOk();
    const memoryMb = await memory(stack);
    const preview = await repeat(() => noOpPreview(stack));
    const program = await measureProgram(stack);
    const noOp = await repeat(() => stack.upOk());
    const direct = await wrk(
      `bluegreen-${stack.name}`,
      `http://${stack.container("api-blue")}:8000/version`,
      32,
    );
    const through = await wrk(
      `bluegreen-${stack.name}`,
      `http://${stack.container("gateway")}:8080/version`,
      32,
    );
    const flips = await measureUps(stack);
    return {
      previewSeconds: spread(preview),
      noOpSeconds: spread(noOp),
      program,
      ...flips,
      memoryMb,
      sampleDirect: direct,
      sampleThroughGateway: through,
    };
  } finally {
    await stack.remove();
  }
}

async function measureProgram(stack: Stack): Promise<StackFigures["program"]> {
  const found: { cpuSeconds: number; megabytes: number }[] = [];
  const NODE_OPTIONS = `--import=${new URL("program-probe.ts", import.meta.url).href}`;
  const before = { ...process.env };
  Object.assign(process.env, { NODE_OPTIONS });
  try {
    for (let round = 0; round < rounds; round++) {
      await noOpPreview(stack);
      const used: unknown = JSON.parse(
        await readFile(path.join(stack.project, "program-probe.json"), "utf8"),
      );
      found.push({ cpuSeconds: Number(at(used, "cpuSeconds")), megabytes: Number(at(used, "megabytes")) });
    }
  } finally {
    process.env = before;
  }
  return {
    cpuSeconds: spread(found.map(({ cpuSeconds }) => cpuSeconds)),
    megabytes: spread(found.map(({ megabytes }) => megabytes)),
  };
}

/** A preview that has to find nothing to do. */
export async function noOpPreview(stack: Stack): Promise<void> {
  const { code, output } = await stack.preview("--expect-no-changes");
  if (code !== 0) throw new Error(output);
}

/** The seconds of each round. */
export async function repeat(work: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let round = 0; round < rounds; round++) found.push(await seconds(work));
  return found;
}

type Ups = Pick<
  StackFigures,
  | "flipSeconds"
  | "releaseAndFlipSeconds"
  | "changedByFlip"
  | "switchFlipMs"
  | "switchTotalMs"
  | "requests"
  | "failed"
>;

async function measureUps(stack: Stack): Promise<Ups> {
  const flipSeconds: number[] = [];
  const releaseSeconds: number[] = [];
  const flipMs: number[] = [];
  const totalMs: number[] = [];
  let changedByFlip = 0;
  const releases = await Promise.all([release("3"), release("4"), release("5")]);
  const report = await underLoad(stack.url, { expect: ["blue", "green"], kinds: visitors }, async () => {
    for (let round = 0; round < rounds * 2; round++) {
      stack.set({ active: round % 2 === 0 ? "green" : "blue" });
      const up = await stack.upOk();
      flipSeconds.push(up.seconds);
      changedByFlip = Math.max(
        changedByFlip,
        (up.changes["update"] ?? 0) + (up.changes["replace"] ?? 0) + (up.changes["create"] ?? 0),
      );
      const { lastFlip } = await stack.outputs();
      flipMs.push(Number(at(lastFlip, "flipMs")));
      totalMs.push(Number(at(lastFlip, "totalMs")));
    }
    for (const [round, next] of releases.entries()) {
      const idle = round % 2 === 0 ? "green" : "blue";
      stack.set({ [idle]: next, active: idle });
      releaseSeconds.push((await stack.upOk()).seconds);
    }
  });
  return {
    flipSeconds: spread(flipSeconds),
    releaseAndFlipSeconds: spread(releaseSeconds),
    changedByFlip,
    switchFlipMs: spread(flipMs),
    switchTotalMs: spread(totalMs),
    requests: report.requests,
    failed: report.failed,
  };
}

/** Memory of each of the stack's containers, MiB. */
async function memory(stack: Stack): Promise<Readonly<Record<string, number>>> {
  const names = (
    await docker("ps", "--format", "{{.Names}}", "--filter", `label=bluegreen.stack=${stack.name}`)
  ).split("\n");
  const entries = await Promise.all(
    names.map(
      async (name) =>
        [
          name.replace(`bluegreen-${stack.name}-`, ""),
          (await containerMemoryBytes(name)) / 1024 ** 2,
        ] as const,
    ),
  );
  return Object.fromEntries(entries);
}
