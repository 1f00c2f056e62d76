import type { MemorySettings } from "./schema.ts";

/** The share of a host's memory that containers may be promised; the rest is the kernel's, the engine's and the page cache's. */
export const BUDGET_SHARE = 0.85;

export interface MemoryPlan {
  readonly lines: readonly { readonly what: string; readonly memoryMb: number }[];
  readonly promisedMb: number;
  readonly budgetMb: number;
  readonly fits: boolean;
}

/** The sum of all limits with both colours running, held against `BUDGET_SHARE` of the host. */
export function planMemory(memoryMb: MemorySettings, hostMemoryMb: number): MemoryPlan {
  const lines = [
    { what: "api blue", memoryMb: memoryMb.api },
    { what: "api green", memoryMb: memoryMb.api },
    { what: "postgres", memoryMb: memoryMb.postgres },
    { what: "redis", memoryMb: memoryMb.redis },
    { what: "gateway", memoryMb: memoryMb.gateway },
  ];
  const promisedMb = lines.reduce((sum, line) => sum + line.memoryMb, 0);
  const budgetMb = Math.floor(hostMemoryMb * BUDGET_SHARE);
  return { lines, promisedMb, budgetMb, fits: promisedMb <= budgetMb };
}
