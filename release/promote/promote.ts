import { messageOf } from "../../components/message-of.ts";
import { carriedOut } from "../engine-run.ts";
import { gatewayState, reachHost } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { engineStop } from "../cut-off.ts";
import { announced, openMessenger } from "../messages/messenger.ts";
import { type Took, recorded } from "../record-run.ts";
import { openStack, recordOf, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { type PromotePlan, planPromote } from "./plan.ts";

export interface Promoted extends Omit<PromotePlan, "changes"> {
  readonly stack: string;
  readonly milliseconds: Took;
}

/** @throws Refusal, nothing was changed; Failure, visitors are where they were */
export async function promote(
  name: string,
  { percent, by }: { readonly percent: number; readonly by: string },
  { folder, progress }: { readonly folder: string; readonly progress: Progress },
): Promise<Promoted> {
  const stack = await openStack(name, folder);
  const host = await reachHost(stack);
  const record = recordOf(stack);
  const { config } = stack;
  const { changes, ...plan } = planPromote({ stack: name, config: config.values, record }, percent);
  progress.line(`${name}: ${percent} % of visitors to release ${plan.release} on ${plan.color}`);
  const about = { command: "promote", by, release: plan.release };
  const messenger = openMessenger(stack, { ...about, color: plan.color }, { host, warn: progress.line });
  const promoted = async (): Promise<Promoted> => {
    const { putBack } = await setConfig(stack, changes);
    try {
      const { milliseconds } = await carriedOut(
        stack,
        `${percent} % to ${plan.release}`,
        progress,
        engineStop,
      );
      return { stack: name, ...plan, milliseconds: { update: milliseconds } };
    } catch (error) {
      await putBack();
      if (error instanceof Refusal) throw error;
      const state = await gatewayState(host);
      const serves =
        state === undefined
          ? "the gateway does not answer"
          : `${state.live ?? "nothing"} is live, canary ${state.canary} %`;
      throw new Failure(`not promoted: ${messageOf(error)}\n${serves}`);
    }
  };
  return await announced(
    messenger,
    () => recorded(host, about, progress.line, promoted),
    () => (percent === 100 ? { event: "live" } : { event: "canary", percent }),
  );
}
