import { z } from "zod";
import { attempt } from "./commands.ts";
import { paths } from "./paths.ts";

export const STACK = "dev";

const exported = z.object({
  deployment: z.object({ resources: z.array(z.object({ type: z.string() })).optional() }).nullable(),
});

const slot = z.object({ release: z.string() }).nullable();
const outputs = z.object({
  url: z.string().optional(),
  live: z.string().optional(),
  releases: z.object({ blue: slot, green: slot }).optional(),
  switchedAt: z.string().optional(),
});
export type StackOutputs = z.infer<typeof outputs>;

/**
 * Whether what runs on the engine can be this state's: it knows the stack's network, which is made before any container,
 * so that a first `up` that was cut off can go on. A stack that does not exist knows none.
 */
export async function knowsNetwork(env: NodeJS.ProcessEnv): Promise<boolean> {
  const { ok, stdout } = await attempt("pulumi", ["stack", "export", "--stack", STACK], {
    env,
    cwd: paths.checkout,
  });
  if (!ok) return false;
  const { deployment } = exported.parse(JSON.parse(stdout));
  return (deployment?.resources ?? []).some(({ type }) => type === "docker:index/network:Network");
}

/** The outputs of the last `up`; undefined when there is no stack. */
export async function stackOutputs(env: NodeJS.ProcessEnv): Promise<StackOutputs | undefined> {
  const args = ["stack", "output", "--json", "--stack", STACK];
  const { ok, stdout } = await attempt("pulumi", args, { env, cwd: paths.checkout });
  return ok ? outputs.parse(JSON.parse(stdout)) : undefined;
}
