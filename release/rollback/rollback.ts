import { messageOf } from "../../components/message-of.ts";
import { lastContract, releaseHistory } from "../../components/ledger/history.ts";
import { carriedOut } from "../engine-run.ts";
import { namesRegistry } from "../deploy/image-digest.ts";
import { type KnownHost, gatewayState, reachHost, readLedger } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { engineStop } from "../cut-off.ts";
import { announced, openMessenger } from "../messages/messenger.ts";
import { type Took, recorded } from "../record-run.ts";
import { openStack, recordOf, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { type RollbackPlan, planRollback } from "./plan.ts";

export interface RolledBack {
  readonly stack: string;
  readonly kind: RollbackPlan["kind"];
  readonly release: string;
  readonly color: RollbackPlan["color"];
  readonly milliseconds: Took;
}

export interface RollbackRequest {
  /** A release id; default: the one that was live before. */
  readonly to?: string | undefined;
  readonly by: string;
}

/**
 * Sends visitors back: to the warm slot, or to an older release by releasing its digests again.
 * @throws Refusal, nothing was changed; Failure, with what serves
 */
export async function rollback(
  name: string,
  { to, by }: RollbackRequest,
  { folder, progress }: { readonly folder: string; readonly progress: Progress },
): Promise<RolledBack> {
  const stack = await openStack(name, folder);
  const host = await reachHost(stack);
  const entries = await readLedger(host);
  const history = releaseHistory(entries);
  const contract = lastContract(entries);
  const record = recordOf(stack);
  const { config } = stack;
  const plan = planRollback({ stack: name, config: config.values, record, history, contract, by }, to);
  await refuseGone(host, plan);
  progress.line(`${name}: ${describe(plan)}`);
  const about = { command: "rollback", by, release: plan.release };
  const messenger = openMessenger(stack, { ...about, color: plan.color }, { host, warn: progress.line });
  const rolledBack = (begins: () => void) => async (): Promise<RolledBack> => {
    const { putBack } = await setConfig(stack, plan.changes);
    begins();
    try {
      const { milliseconds } = await carriedOut(stack, `roll back to ${plan.release}`, progress, engineStop);
      const { kind, release, color } = plan;
      return { stack: name, kind, release, color, milliseconds: { update: milliseconds } };
    } catch (error) {
      await putBack();
      if (error instanceof Refusal) throw error;
      // The slot that was warm may be half another release by now.
      const again =
        plan.kind === "release"
          ? await carriedOut(stack, "undo the rollback", progress).catch(() => "left")
          : "";
      const state = await gatewayState(host);
      const what = messageOf(error);
      throw new Failure(
        `not rolled back: ${what}\n${state?.live ?? "no colour that is known"} serves${again === "left" ? `; ${plan.color} is not what it was: pulumi up --stack ${name}` : ""}`,
      );
    }
  };
  return await announced(
    messenger,
    (begins) => recorded(host, about, progress.line, rolledBack(begins)),
    () => ({ event: "rolled back" }),
  );
}

/** An image that names no registry was built on the host, and comes from nowhere else. @throws Refusal */
async function refuseGone(host: KnownHost, plan: RollbackPlan): Promise<void> {
  if (plan.kind !== "release") return;
  const built = [...new Set(Object.values(plan.images))].filter((image) => !namesRegistry(image));
  const script =
    'docker version >/dev/null && for image; do docker image inspect "$image" >/dev/null 2>&1 || echo "$image"; done';
  const gone = (await host.ask(["sh", "-c", script, "sh", ...built])).split("\n").filter(Boolean);
  if (gone.length === 0) return;
  throw new Refusal(
    `release ${plan.release} needs ${gone.join(", ")}, which the host does not have any more (see \`retention\`) and no registry is named for`,
    "build or pull it there again, then this again",
  );
}

function describe({ kind, release, color }: RollbackPlan): string {
  switch (kind) {
    case "restore":
      return `the last update did not end: everything as it was, with release ${release} on ${color}`;
    case "canary":
      return `all visitors back to release ${release} on ${color}`;
    case "flip":
      return `back to release ${release}, which ${color} keeps warm`;
    case "release":
      return `release ${release} again, onto ${color}, then live`;
  }
}
