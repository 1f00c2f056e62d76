import { askDeployed, projectOf } from "./carry.ts";
import { declaredContract } from "./contract.ts";
import { newerOf } from "./order.ts";
import { commitsOf } from "./releases.ts";

/** How a commit stands to what a stack runs. */
export type Standing =
  /** A later commit is deployed: this one would go over it. */
  | { readonly kind: "outdated"; readonly newer: string }
  /** `contract`: the releases that go on working where its migration takes something away; empty where it only adds. */
  | { readonly kind: "next"; readonly contract: readonly string[] };

/** @throws Error in a clone without history, and for a contract that names no releases */
export async function standingOf(
  checkout: string,
  stack: string,
  commit: string,
  env: NodeJS.ProcessEnv,
): Promise<Standing> {
  const project = await projectOf(checkout);
  const { live, all } = commitsOf(await askDeployed(checkout, stack, env), project);
  const newer = await newerOf(checkout, commit, all);
  if (newer !== undefined) return { kind: "outdated", newer };
  const file = `Pulumi.${stack}.yaml`;
  return { kind: "next", contract: await declaredContract(checkout, { file, project, commit, live }) };
}
