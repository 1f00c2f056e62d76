import { COLORS, type Settings } from "./schema.ts";
import { partsOf } from "../slot/parts.ts";

/** The share of a host's memory that containers may be promised; the rest is the kernel's, the engine's and the page cache's. */
export const BUDGET_SHARE = 0.85;

export interface MemoryPlan {
  readonly lines: readonly { readonly what: string; readonly memoryMb: number }[];
  readonly promisedMb: number;
  readonly budgetMb: number;
  readonly fits: boolean;
}

/** The sum of all limits with both colours running, held against `BUDGET_SHARE` of the host. */
export function planMemory(
  settings: Pick<Settings, "memoryMb"> & Partial<Pick<Settings, "web" | "worker" | "beat">>,
  hostMemoryMb: number,
): MemoryPlan {
  const { memoryMb } = settings;
  const lines = [
    ...partsOf(settings).flatMap((part) =>
      COLORS.map((color) => ({ what: `${part} ${color}`, memoryMb: memoryMb[part] })),
    ),
    { what: "postgres", memoryMb: memoryMb.postgres },
    { what: "redis", memoryMb: memoryMb.redis },
    { what: "gateway", memoryMb: memoryMb.gateway },
  ];
  const promisedMb = lines.reduce((sum, line) => sum + line.memoryMb, 0);
  const budgetMb = Math.floor(hostMemoryMb * BUDGET_SHARE);
  return { lines, promisedMb, budgetMb, fits: promisedMb <= budgetMb };
}
