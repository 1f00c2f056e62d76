/** The stacks of this project, in the order in which a change passes through them. */
export const STACKS = ["dev", "staging", "prod"] as const;
export type StackName = (typeof STACKS)[number];

/** Which stack a push deploys to: develop to dev, release/… to staging, main to prod; any other ref to none. */
export function stackOf(ref: string): StackName | undefined {
  const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  if (branch === "develop") return "dev";
  if (branch === "main") return "prod";
  return branch?.startsWith("release/") === true && branch !== "release/" ? "staging" : undefined;
}

/** @throws Error for a name that is no stack of this project */
export function stackNamed(name: string): StackName {
  const stack = STACKS.find((one) => one === name);
  if (stack === undefined) throw new Error(`got the stack "${name}"; there are ${STACKS.join(", ")}`);
  return stack;
}
