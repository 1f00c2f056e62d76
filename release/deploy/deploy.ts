import { randomUUID } from "node:crypto";
import { lastTime } from "../show/last-time.ts";
import { messageOf } from "../../components/message-of.ts";
import type { Color } from "../../components/config/schema.ts";
import { releaseHistory } from "../../components/ledger/history.ts";
import type { Ran } from "../engine-run.ts";
import { carriedBack, carriedOut, planned } from "../engine-run.ts";
import { type KnownHost, gatewayState, reachHost, readLedger } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { announced, openMessenger } from "../messages/messenger.ts";
import { type SoFar, type Took, recorded, recordedOn, tellUnfinished } from "../record-run.ts";
import { type Edit, type Stack, openStack, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { cutOff, engineStop } from "../cut-off.ts";
import { resolveImages } from "./image-digest.ts";
import { holdSeconds } from "../watch/plan.ts";
import { refuseTakenBack } from "../watch/taken-back.ts";
import { type DeployPlan, type DeployRequest, planDeploy } from "./plan.ts";

export interface Deployed {
  readonly stack: string;
  readonly release: string;
  readonly color: Color;
  readonly live: boolean;
  /** Of the visitors, that go to it. */
  readonly percent: number;
  readonly from: NonNullable<DeployPlan["from"]> | null;
  readonly url: string | null;
  /** How long it is watched once visitors are sent to it; 0: not at all. */
  readonly holdSeconds: number;
  readonly changes: Ran["heard"]["changes"];
  readonly milliseconds: Took;
}

export interface DeployContext {
  readonly folder: string;
  readonly progress: Progress;
  /** Asks whoever sits there; `true` where nobody does. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** What comes after it, where there is a way `back`; the ledger has what both took. */
  readonly goOn?: ((deployed: Deployed, back: Color) => Promise<Deployed>) | undefined;
}

/**
 * From images to live: tags become digests, the idle slot and a release id are chosen, the plan is shown, the update run.
 * When the update fails the config's file is put back and carried out again, so that the way back is warm as before.
 * @throws Refusal, nothing was changed; Failure, the live colour is the one of before
 */
export async function deploy(
  name: string,
  request: DeployRequest,
  context: DeployContext,
): Promise<Deployed> {
  const { progress } = context;
  const stack = await openStack(name, context.folder);
  const host = stack.record === undefined ? undefined : await reachHost(stack);
  const entries = host === undefined ? [] : await readLedger(host);
  tellUnfinished(entries, progress.line);
  if (stack.record !== undefined) refuseTakenBack(name, entries, stack.record);
  const history = releaseHistory(entries);
  const images = await resolveImages(stack, request.images);
  const view = {
    stack: name,
    config: stack.config.values,
    record: stack.record,
    known: entries.flatMap((entry) =>
      "release" in entry && entry.release !== undefined ? [entry.release] : [],
    ),
    history,
  };
  const plan = planDeploy(view, { ...request, images });
  const held = holdSeconds(request.hold, stack.config.values);
  progress.line(intent(name, plan, request));
  const took = lastTime(history);
  if (took !== undefined) progress.line(`  ${took}`);
  const about = { command: "deploy", by: request.by, release: plan.release };
  const messenger = openMessenger(stack, { ...about, color: plan.color }, { host, warn: progress.line });
  const released =
    (begins: () => void) =>
    async (soFar: SoFar): Promise<Deployed> => {
      const edit = await setConfig(stack, plan.changes);
      const preparing = await approved(stack, context).catch(async (error: unknown) => {
        await edit.putBack();
        throw error;
      });
      soFar.milliseconds["plan"] = preparing.milliseconds;
      await edit.stillOurs();
      begins();
      const forward = { edit, stop: engineStop };
      const began = performance.now();
      const ran = await carriedOut(stack, `release ${plan.release}`, progress, forward).catch(
        (error: unknown) => {
          soFar.milliseconds["update"] = performance.now() - began;
          return undo(stack, plan, { edit, host, progress, soFar }, error);
        },
      );
      if (request.flip) await refuseToLie(name, host, plan);
      const live = request.flip || plan.from === undefined;
      return {
        ...{ stack: name, release: plan.release, color: plan.color, live, percent: live ? 100 : 0 },
        ...{ from: plan.from ?? null, url: stack.url ?? null, holdSeconds: held, changes: ran.heard.changes },
        milliseconds: { plan: preparing.milliseconds, update: ran.milliseconds },
      };
    };
  const record = {
    ...{ ...about, run: randomUUID(), color: plan.color, images: { ...plan.kept, ...images } },
    ...(request.commit !== undefined && { commit: request.commit }),
  };
  const deployed = await announced(
    messenger,
    (begins) => recorded(host, record, progress.line, released(begins)),
    ({ live }) => ({ event: live ? "live" : "waiting" }),
  );
  const { goOn } = context;
  const { from } = deployed;
  if (goOn === undefined || from === null) return deployed;
  return await recordedOn(host, record, progress.line, deployed, () => goOn(deployed, from.color));
}

/** The plan, shown and agreed to. @throws Refusal */
async function approved(stack: Stack, { progress, confirm }: DeployContext): Promise<Ran> {
  const preparing = await planned(stack, progress);
  progress.end();
  for (const { what, name } of preparing.heard.changes) progress.line(`  ${what} ${name}`);
  if (cutOff.aborted || !(await confirm("carry this out?"))) {
    throw new Refusal("not carried out", `npx bluegreen deploy --stack ${stack.name} …`);
  }
  return preparing;
}

/** Somebody else's update may have come in between: what is said to be live was looked at. */
async function refuseToLie(
  stack: string,
  host: KnownHost | undefined,
  { color, release }: DeployPlan,
): Promise<void> {
  const state = host && (await gatewayState(host));
  if (state === undefined || state.live === color) return;
  throw new Failure(
    `release ${release} is on ${color}, and ${state.live ?? "nothing"} is live: npx bluegreen status --stack ${stack}`,
  );
}

function intent(stack: string, { release, color, from, kept }: DeployPlan, { flip }: DeployRequest): string {
  const way =
    from === undefined
      ? ""
      : flip
        ? `, then live in place of ${from.release}`
        : `, ${from.release} stays live`;
  const stays = Object.entries(kept).map(([part, image]) => `; ${part} stays ${image}`);
  return `${stack}: release ${release} onto ${color}${way}${stays.join("")}`;
}

interface Undoing {
  readonly edit: Edit;
  readonly host: KnownHost | undefined;
  readonly progress: Progress;
  readonly soFar: SoFar;
}

/** Puts the config back and carries that out; always throws what the update failed with, and what serves now. */
async function undo(
  stack: Stack,
  plan: DeployPlan,
  { edit, host, progress, soFar }: Undoing,
  error: unknown,
): Promise<never> {
  const what = messageOf(error);
  if (error instanceof Refusal) {
    await edit.putBack();
    throw error;
  }
  progress.line(`failed, putting ${plan.color} back`);
  const began = performance.now();
  const why = await carriedBack(stack, edit, `undo release ${plan.release}`, progress);
  soFar.milliseconds["undo"] = performance.now() - began;
  if (why !== undefined)
    soFar.left = `${plan.color} could not be put back (${why}): pulumi up --stack ${stack.name}`;
  const undone = soFar.left ?? `${plan.color} is as it was`;
  const state = host && (await gatewayState(host));
  const serves = state?.live === undefined ? "" : `${state.live} serves; `;
  throw new Failure(`release ${plan.release} failed: ${what}\n${serves}${undone}`);
}
