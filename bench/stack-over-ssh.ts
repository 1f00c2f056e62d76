import { loadStackImages, releaseOn } from "../test/support/images.ts";
import { TestMachine } from "../test/support/machine.ts";
import { Stack } from "../test/support/stack.ts";
import { machineTarget } from "../test/support/target.ts";
import { underLoad } from "../test/support/visitors.ts";
import type { Spread } from "./flips.ts";
import { spread } from "./flips.ts";
import { noOpPreview, seconds, stackSwitch, visitors } from "./stack.ts";

export interface SshFigures {
  /** With no connection open before. */
  readonly previewSeconds: Spread;
  /** Under load, over the connection that the previews left open. */
  readonly flipSeconds: Spread;
  /** Connections that a preview and a flip opened: the most of any. */
  readonly connections: { readonly preview: number; readonly flip: number };
  readonly requests: number;
  readonly failed: number;
}

const rounds = 10;

/** The same stack on a test machine with its own sshd and Docker engine, through SSH. */
export async function measureStackOverSsh(): Promise<SshFigures> {
  const machine = await TestMachine.create("bench");
  try {
    await loadStackImages(machine);
    const config = {
      active: "blue",
      blue: await releaseOn(machine, "1"),
      green: await releaseOn(machine, "2"),
    };
    const stack = await Stack.create("bench", { ...config, switch: stackSwitch }, machineTarget(machine));
    try {
      await stack.upOk();
      return await measure(machine, stack);
    } finally {
      await stack.remove();
    }
  } finally {
    await machine.remove();
  }
}

interface Work {
  readonly seconds: number;
  /** How many connections it opened. */
  readonly connections: number;
}

async function measure(machine: TestMachine, stack: Stack): Promise<SshFigures> {
  const measured = async (work: () => Promise<unknown>): Promise<Work> => {
    const before = await machine.logins();
    const took = await seconds(work);
    return { seconds: took, connections: (await machine.logins()) - before };
  };
  const previews: Work[] = [];
  const flips: Work[] = [];
  for (let round = 0; round < rounds; round++) {
    await machine.cutSsh();
    previews.push(await measured(() => noOpPreview(stack)));
  }
  const report = await underLoad(stack.url, { expect: ["blue", "green"], kinds: visitors }, async () => {
    for (let round = 0; round < rounds; round++) {
      stack.set({ active: round % 2 === 0 ? "green" : "blue" });
      flips.push(await measured(() => stack.upOk()));
    }
  });
  const most = (works: readonly Work[]): number => Math.max(...works.map(({ connections }) => connections));
  return {
    previewSeconds: spread(previews.map((preview) => preview.seconds)),
    flipSeconds: spread(flips.map((flip) => flip.seconds)),
    connections: { preview: most(previews), flip: most(flips) },
    requests: report.requests,
    failed: report.failed,
  };
}
