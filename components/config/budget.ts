import * as pulumi from "@pulumi/pulumi";
import { type Estimate, estimateCost } from "./cost.ts";
import { type MemoryPlan, planMemory } from "./memory.ts";
import type { Settings } from "./schema.ts";

/** From this share of the memory budget on, the next container will not fit. */
const NEAR_SHARE = 0.9;

/** The stack's output `plan`: what is promised of the host's memory, and what the host costs a month. */
export interface BudgetPlan {
  readonly memory: string;
  readonly memoryMb: Readonly<Record<string, number>>;
  /** Absent where nothing is rented. */
  readonly cost?: string;
  readonly costUsd?: Readonly<Record<string, number>>;
}

export interface BudgetReport {
  readonly plan: BudgetPlan;
  /** What a person should think about before `up`. */
  readonly warnings: readonly string[];
}

/** Puts memory and money into words; whether the memory fits at all was decided when the config was read. */
export function reportBudget(
  settings: Parameters<typeof planMemory>[0] & Pick<Settings, "host">,
  hostMemoryMb: number,
  region: string | undefined,
): BudgetReport {
  const memory = planMemory(settings, hostMemoryMb);
  const { host } = settings;
  const estimate = host.kind === "ec2" && region !== undefined ? estimateCost(host, region) : undefined;
  return {
    plan: {
      memory: memoryLine(memory, hostMemoryMb),
      memoryMb: Object.fromEntries(memory.lines.map((line) => [line.what, line.memoryMb])),
      ...(estimate && { cost: costLine(estimate) }),
      ...(estimate?.kind === "known" && {
        costUsd: Object.fromEntries(estimate.lines.map((line) => [line.what, line.usd])),
      }),
    },
    warnings: [
      ...(memory.promisedMb > memory.budgetMb * NEAR_SHARE ? [nearLine(memory)] : []),
      ...(host.kind === "ec2" && estimate ? moneyWarnings(estimate, host.alerts.budgetUsd) : []),
    ],
  };
}

/** Says the plan of a rented host at each preview, and what a person should think about on any host. */
export async function tellBudget(
  { kind }: Pick<Settings["host"], "kind">,
  { plan, warnings }: BudgetReport,
): Promise<void> {
  if (kind === "ec2" && pulumi.runtime.isDryRun()) {
    await pulumi.log.info(`memory: ${plan.memory}; money: ${plan.cost ?? "unknown"}`);
  }
  for (const warning of warnings) await pulumi.log.warn(warning);
}

const memoryLine = ({ promisedMb, budgetMb }: MemoryPlan, hostMemoryMb: number) =>
  `${promisedMb} MB promised of ${budgetMb} MB, 0.85 of the host's ${hostMemoryMb} MB`;

const nearLine = ({ promisedMb, budgetMb }: MemoryPlan) =>
  `memory is nearly used up: ${promisedMb} of ${budgetMb} MB are promised; lower memoryMb.* or take a larger host before anything else is added`;

function costLine(estimate: Estimate): string {
  switch (estimate.kind) {
    case "known":
      return `about ${estimate.totalUsd.toFixed(2)} USD a month, without traffic and taxes`;
    case "unknown":
      return `unknown: ${estimate.why}`;
  }
}

function moneyWarnings(estimate: Estimate, budgetUsd: number): string[] {
  switch (estimate.kind) {
    case "known":
      return estimate.totalUsd > budgetUsd
        ? [
            `the host costs about ${estimate.totalUsd.toFixed(2)} USD a month, more than host.alerts.budgetUsd (${budgetUsd}): the budget's mail will come each month`,
          ]
        : [];
    case "unknown":
      return [`the monthly cost is unknown: ${estimate.why}`];
  }
}
