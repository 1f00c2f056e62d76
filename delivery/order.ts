import { attempt, run } from "../toolchain/setup/commands.ts";

/**
 * The deployed commit that came after this one, if one did: of two pushes the later may be built first, and what is older
 * must not go over it. One that this clone does not know (deployed from a branch that is gone) is passed over.
 * @throws Error in a clone without history
 */
export async function newerOf(
  checkout: string,
  commit: string,
  deployed: readonly string[],
): Promise<string | undefined> {
  const git = { cwd: checkout };
  if ((await run("git", ["rev-parse", "--is-shallow-repository"], git)) === "true") {
    throw new Error(
      `whether ${commit} is older than what is deployed cannot be told: this clone has no history; ` +
        "in a workflow give actions/checkout `fetch-depth: 0`, elsewhere: git fetch --unshallow",
    );
  }
  for (const one of deployed) {
    if (one === commit || !(await attempt("git", ["merge-base", "--is-ancestor", commit, one], git)).ok)
      continue;
    if ((await run("git", ["rev-parse", `${one}^{commit}`], git)) !== commit) return one;
  }
  return undefined;
}
