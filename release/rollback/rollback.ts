import { messageOf } from "../../components/message-of.ts";
import { allReleases } from "../../components/ledger/failed.ts";
import { lastContract, maintainedBy } from "../../components/ledger/history.ts";
import { carriedBack, carriedOut } from "../engine-run.ts";
import { namesRegistry } from "../deploy/image-digest.ts";
import { READ, type KnownHost, gatewayState, reachHost, readLedger } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { engineStop } from "../cut-off.ts";
import { announced, openMessenger } from "../messages/messenger.ts";
import { type SoFar, type Took, recorded, tellUnfinished } from "../record-run.ts";
import { openStack, recordOf, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { refuseTakenBack } from "../watch/taken-back.ts";
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
  tellUnfinished(entries, progress.line);
  const history = allReleases(entries);
  const contract = lastContract(entries);
  const record = recordOf(stack);
  const { config } = stack;
  const known = { history, contract, by, maintainedBy: maintainedBy(entries) };
  const plan = planRollback({ stack: name, config: config.values, record, ...known }, to);
  // The slot that it would go to serves; all other ways are those that make the state agree.
  if (plan.kind === "release") refuseTakenBack(name, entries, record);
  await refuseGone(host, plan);
  progress.line(`${name}: ${describe(plan, record.canary)}`);
  const about = { command: "rollback", by, release: plan.release };
  const messenger = openMessenger(stack, { ...about, color: plan.color }, { host, warn: progress.line });
  const rolledBack =
    (begins: () => void) =>
    async (soFar: SoFar): Promise<RolledBack> => {
      const edit = await setConfig(stack, plan.changes);
      if (isNews(plan)) begins();
      try {
        const forward = { edit, stop: engineStop };
        const { milliseconds } = await carriedOut(stack, `roll back to ${plan.release}`, progress, forward);
        const { kind, release, color } = plan;
        return { stack: name, kind, release, color, milliseconds: { update: milliseconds } };
      } catch (error) {
        // The slot that was warm may be half another release by now.
        const half = plan.kind === "release" && !(error instanceof Refusal);
        const why = half ? await carriedBack(stack, edit, "undo the rollback", progress) : undefined;
        if (why !== undefined)
          soFar.left = `${plan.color} is not what it was (${why}): pulumi up --stack ${name}`;
        if (!half) await edit.putBack();
        if (error instanceof Refusal) throw error;
        const state = await gatewayState(host);
        const what = messageOf(error);
        throw new Failure(
          `not rolled back: ${what}\n${state?.live ?? "no colour that is known"} serves${soFar.left === undefined ? "" : `; ${soFar.left}`}`,
        );
      }
    };
  return await announced(
    messenger,
    (begins) => recorded(host, about, progress.line, rolledBack(begins)),
    (done) => (isNews(done) ? { event: "rolled back" } : undefined),
  );
}

/** A file that was put right sent no visitor anywhere, and is no end of an alert. */
const isNews = ({ kind }: Pick<RollbackPlan, "kind">): boolean => kind !== "restore";

/** An image that names no registry was built on the host, and comes from nowhere else. @throws Refusal */
async function refuseGone(host: KnownHost, plan: RollbackPlan): Promise<void> {
  if (plan.kind !== "release") return;
  const built = [...new Set(Object.values(plan.images))].filter((image) => !namesRegistry(image));
  const script =
    'docker version >/dev/null && for image; do docker image inspect "$image" >/dev/null 2>&1 || echo "$image"; done';
  const gone = (await host.ask(["sh", "-c", script, "sh", ...built], "", READ)).split("\n").filter(Boolean);
  if (gone.length === 0) return;
  throw new Refusal(
    `release ${plan.release} needs ${gone.join(", ")}, which the host does not have any more (see \`retention\`) and no registry is named for`,
    "build or pull it there again, then this again",
  );
}

function describe(plan: RollbackPlan, canary: number): string {
  const { release, color } = plan;
  switch (plan.kind) {
    case "restore": {
      const says = plan.differs.map(({ key, file, state }) => `${key} ${state}, not ${file}`).join("; ");
      const share = canary > 0 ? `, ${canary} % of the visitors on the other colour` : "";
      return `the file is made to say what was brought up last (${says}): release ${release} stays live on ${color}${share}`;
    }
    case "canary":
      return `all visitors back to release ${release} on ${color}`;
    case "flip":
      return `back to release ${release}, which ${color} keeps warm`;
    case "release":
      return `release ${release} again, onto ${color}, then live`;
  }
}
