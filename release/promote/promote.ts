import { messageOf } from "../../components/message-of.ts";
import { carriedOut } from "../engine-run.ts";
import { RECENT, gatewayState, reachHost, readLedger } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { engineStop } from "../cut-off.ts";
import { announced, openMessenger } from "../messages/messenger.ts";
import { type Took, recorded, tellUnfinished } from "../record-run.ts";
import { openStack, recordOf, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { holdSeconds } from "../watch/plan.ts";
import { refuseTakenBack } from "../watch/taken-back.ts";
import { type PromotePlan, planPromote } from "./plan.ts";

export interface Promoted extends Omit<PromotePlan, "changes"> {
  readonly stack: string;
  /** How long it is watched from now on; 0: not at all. */
  readonly holdSeconds: number;
  readonly milliseconds: Took;
}

/** @throws Refusal, nothing was changed; Failure, visitors are where they were */
export async function promote(
  name: string,
  {
    percent,
    by,
    hold,
  }: { readonly percent: number; readonly by: string; readonly hold?: number | undefined },
  { folder, progress }: { readonly folder: string; readonly progress: Progress },
): Promise<Promoted> {
  const stack = await openStack(name, folder);
  const host = await reachHost(stack);
  const entries = await readLedger(host, RECENT);
  tellUnfinished(entries, progress.line);
  const record = recordOf(stack);
  // To 0 is the way back itself.
  if (percent > 0) refuseTakenBack(name, entries, record);
  const { config } = stack;
  const { changes, ...plan } = planPromote({ stack: name, config: config.values, record }, percent);
  const held = percent === 0 ? 0 : holdSeconds(hold, config.values);
  progress.line(`${name}: ${percent} % of visitors to release ${plan.release} on ${plan.color}`);
  const about = { command: "promote", by, release: plan.release };
  const messenger = openMessenger(stack, { ...about, color: plan.color }, { host, warn: progress.line });
  const promoted = async (): Promise<Promoted> => {
    const edit = await setConfig(stack, changes);
    try {
      const forward = { edit, stop: engineStop };
      const { milliseconds } = await carriedOut(stack, `${percent} % to ${plan.release}`, progress, forward);
      return { stack: name, ...plan, holdSeconds: held, milliseconds: { update: milliseconds } };
    } catch (error) {
      await edit.putBack();
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
