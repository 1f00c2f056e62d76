import { join } from "node:path";
import { attempt, tail } from "../../toolchain/setup/commands.ts";
import { commandEnv } from "../../toolchain/setup/env.ts";
import { paths } from "../../toolchain/setup/paths.ts";
import type { StackName } from "../branches.ts";
import { type Events, readEvents } from "./events.ts";

/** A program rather than a folder: so the pack runs under any language host (policy/serve.sh). */
const POLICY_PACK = join(paths.checkout, "policy/serve.sh");
const LIMIT_MS = 900_000;

/**
 * Previews a stack, the policy pack with it. Changes nothing, and takes no lock.
 * @param refresh whether the engine first asks what really is there
 */
export async function previewStack(stack: StackName, refresh: boolean): Promise<Events> {
  const args = ["preview", "--json", "--non-interactive", "--stack", stack, "--policy-pack", POLICY_PACK];
  const { ok, stdout, output } = await attempt("pulumi", refresh ? [...args, "--refresh"] : args, {
    cwd: paths.checkout,
    // One event a line, with the outputs and the policy's word; the document that comes otherwise has neither.
    env: { ...(await commandEnv()), PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
    timeoutMs: LIMIT_MS,
  });
  const events = readEvents(stdout);
  if (ok || events.errors.length > 0 || events.policy.length > 0) return events;
  return { ...events, errors: [tail(output, 5)] };
}
