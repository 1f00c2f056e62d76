import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { Spread } from "./flips.ts";
import { spread } from "./flips.ts";

export interface ProgramStart {
  readonly seconds: Spread;
  readonly megabytes: Spread;
}

const runs = 7;

/** A fresh Node that loads the program, registers every resource with a stand-in for the engine, and ends. */
async function startOnce(): Promise<{ seconds: number; megabytes: number }> {
  const began = performance.now();
  const child = fork(fileURLToPath(new URL("program-child.ts", import.meta.url)), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  let kilobytes = NaN;
  child.on("message", (message) => (kilobytes = Number(message)));
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`the program ended with ${child.exitCode ?? "a signal"}`);
  return { seconds: (performance.now() - began) / 1000, megabytes: kilobytes / 1024 };
}

export async function measureProgramStart(): Promise<ProgramStart> {
  const measured: { seconds: number; megabytes: number }[] = [];
  for (let run = 0; run < runs; run++) measured.push(await startOnce());
  return {
    seconds: spread(measured.map((m) => m.seconds)),
    megabytes: spread(measured.map((m) => m.megabytes)),
  };
}
