import { randomBytes } from "node:crypto";
import { messageOf } from "../../components/message-of.ts";
import { parseLines } from "../../components/host/observation.ts";
import type { Color } from "../../components/config/schema.ts";
import { containersOf } from "../../components/slot/record.ts";
import { namesOf } from "../../components/config/names.ts";
import { carriedOut } from "../engine-run.ts";
import { READ, type KnownHost, controlWords } from "../host.ts";
import { openMessenger } from "../messages/messenger.ts";
import { Failure } from "../outcome.ts";
import { refuseUnfinished } from "../release-keys.ts";
import { type Stack, openStack, recordOf, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { renderDeliveries } from "./deliveries.ts";
import {
  type GatewayLines,
  type WatchState,
  describeUnwatched,
  isLeftToUs,
  isSentTo,
  parseWatchState,
  renderWatchPlan,
  watchLimits,
} from "./plan.ts";

export interface Hold {
  readonly color: Color;
  readonly release: string;
  readonly seconds: number;
  /** Where visitors go back to past a limit. */
  readonly back: { readonly live: Color; readonly canary: number };
}

const watchSh = ({ directory }: KnownHost): string => `${directory}/bin/watch.sh`;

export async function watchState(host: KnownHost): Promise<WatchState> {
  return parseWatchState(await host.ask([watchSh(host), host.directory, "status"], "", READ));
}

/** Ends the watch; visitors stay where they are. */
export async function stopWatch(host: KnownHost): Promise<WatchState> {
  await host.ask([watchSh(host), host.directory, "stop"]);
  return await watchState(host);
}

/**
 * Begins the watch on the host: it goes on there, whatever becomes of this command. It gets what to send with the plan, on standard
 * input: secrets are there.
 */
async function startWatch(
  stack: Stack,
  host: KnownHost,
  { id, ...hold }: Hold & { readonly id: string },
  deliveries: string,
): Promise<void> {
  const { color, release, seconds, back } = hold;
  const watched = await gatewayLines(host);
  if (!isSentTo(hold, watched)) {
    throw new Failure(
      `release ${release} is not watched: visitors were sent elsewhere meanwhile (live ${watched.live}, canary ${watched.canary} %)\n` +
        `npx bluegreen status --stack ${stack.name}`,
    );
  }
  const plan = renderWatchPlan({
    ...{ id, color, release, watched },
    containers: watchedContainers(stack, color),
    seconds,
    back: { live: back.live, canary: String(back.canary) },
    limits: watchLimits(stack.config.values),
  });
  await host.ask([watchSh(host), host.directory, "start"], plan + deliveries);
}

function watchedContainers({ record }: Stack, color: Color): readonly string[] {
  const spec = record?.slots[color] ?? null;
  return spec === null ? [] : containersOf(spec).map(({ name }) => name);
}

async function gatewayLines(host: KnownHost): Promise<GatewayLines> {
  const lines = parseLines(await host.ask(controlWords(host, "/state"), "", READ));
  const word = (key: string): string => lines.get(key) ?? "none";
  return {
    live: word("live"),
    canary: word("canary"),
    "release.blue": word("release.blue"),
    "release.green": word("release.green"),
  };
}

const ASK_EVERY_MS = 2000;
/** A host that is out of reach for longer is somebody's business. */
const SILENT_MS = 120_000;

interface Followed {
  readonly state: WatchState;
  /** Whether it is this command that tells of the verdict: the host does where nobody asks for it. */
  readonly tells: boolean;
}

async function ask(host: KnownHost, id: string): Promise<Followed> {
  // Asked again, as after an answer that was lost, it says the same.
  const text = await host.ask([watchSh(host), host.directory, "follow", id], "", READ);
  return { state: parseWatchState(text), tells: isLeftToUs(text) };
}

/**
 * The verdict, asked for until it is there or `detach` says that nobody waits for it.
 * @throws Failure where the host does not answer for so long; the watch goes on there
 */
async function followed(
  { name, id }: { readonly name: string; readonly id: string },
  host: KnownHost,
  progress: Progress,
  detach: AbortSignal,
): Promise<Followed> {
  let heard = performance.now();
  for (;;) {
    const asked = await ask(host, id).catch((error: unknown) => {
      if (performance.now() - heard < SILENT_MS) return undefined;
      throw new Failure(
        `the host does not answer any more: ${messageOf(error)}\nthe watch goes on there: npx bluegreen watch --stack ${name}`,
      );
    });
    if (asked !== undefined) heard = performance.now();
    const state = asked?.state;
    if (detach.aborted || (state !== undefined && state.kind !== "watching"))
      return asked ?? { state: { kind: "none" }, tells: false };
    progress.step(
      state === undefined
        ? "the host does not answer; the watch goes on there"
        : `release ${state.release} is being watched, ${Math.max(0, state.until - Math.floor(Date.now() / 1000))} s to go`,
    );
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

/**
 * Watches a release and waits for the verdict. Past a limit the host has sent the visitors back already: file and state are made
 * to say so too.
 * @throws Failure with the figures' reason and the container's last lines, or where the watch ended without a verdict
 */
export async function hold(
  name: string,
  folder: string,
  host: KnownHost,
  wanted: Hold,
  { progress, detach }: { readonly progress: Progress; readonly detach: AbortSignal },
): Promise<WatchState> {
  const stack = await openStack(name, folder);
  const { release, color } = wanted;
  const about = { command: "watch", by: "the watch", release, color };
  const messenger = openMessenger(stack, about, { host, warn: progress.line });
  const told = { project: stack.project, stack: name, ...about };
  const id = randomBytes(8).toString("hex");
  await startWatch(stack, host, { ...wanted, id }, renderDeliveries(await messenger.channels, told));
  const { state, tells } = await followed({ name, id }, host, progress, detach);
  switch (state.kind) {
    case "none":
    case "watching":
      progress.line(`the watch goes on on the host: npx bluegreen watch --stack ${name}`);
      return state;
    case "verdict":
      // Who ended it by hand knows; whatever else is not good was not held to its limits.
      if (state.verdict === "unjudged") progress.line(`release ${release} was not judged: ${state.reason}`);
      if (["good", "unjudged", "ended"].includes(state.verdict)) return state;
      if (state.verdict !== "bad") {
        if (tells && state.verdict !== "superseded") {
          messenger.tell({ event: "failed", reason: `${state.verdict}: ${state.reason}` });
          await messenger.settled();
        }
        throw new Failure(describeUnwatched(release, state, name));
      }
  }
  if (tells) messenger.tell({ event: "taken back", reason: state.reason });
  const { reason } = state;
  // The one that is ill, where it was not the answers.
  const container =
    watchedContainers(stack, color).find((one) => reason.includes(one)) ??
    namesOf({ project: stack.project, stack: name }).part("api", color);
  const log = await host
    .ask(["sh", "-c", 'docker logs --tail 20 "$1" 2>&1', "sh", container], "", READ)
    .catch(() => "");
  const left = await recordBack(name, folder, host, wanted, progress).then(() => "", messageOf);
  await messenger.settled();
  throw new Failure(
    `release ${wanted.release} was taken back: ${state.reason}; ${wanted.back.live} is live, canary ${wanted.back.canary} %\n` +
      (left === ""
        ? ""
        : `file and state do not say so yet (${left}): npx bluegreen status --stack ${name}\n`) +
      `the last lines of ${container}:\n${log}`,
  );
}

/**
 * Makes file and state say what the host did. The file is read anew: a watch takes its time, and others edit.
 * @throws Refusal where the file says more than that
 */
async function recordBack(
  name: string,
  folder: string,
  host: KnownHost,
  { release, back }: Pick<Hold, "release" | "back">,
  progress: Progress,
): Promise<void> {
  const now = await gatewayLines(host);
  if (now.live !== back.live || Number(now.canary) !== back.canary) {
    throw new Failure(`visitors were sent elsewhere since: live ${now.live}, canary ${now.canary} %`);
  }
  const stack = await openStack(name, folder);
  refuseUnfinished({ config: stack.config.values, stack: name }, recordOf(stack), ["active", "canary"]);
  await setConfig(stack, { active: back.live, canary: back.canary });
  await carriedOut(stack, `release ${release} was taken back`, progress);
}
