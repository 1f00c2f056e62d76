import { messageOf } from "../../components/message-of.ts";
import { parseLines } from "../../components/host/observation.ts";
import { type Color, keySchemas } from "../../components/config/schema.ts";
import { namesOf } from "../../components/config/names.ts";
import { carriedOut } from "../engine-run.ts";
import { type KnownHost, controlWords } from "../host.ts";
import { openMessenger } from "../messages/messenger.ts";
import { Failure } from "../outcome.ts";
import { type Stack, openStack, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { type GatewayLines, type WatchState, parseWatchState, renderWatchPlan } from "./plan.ts";

export interface Hold {
  readonly color: Color;
  readonly release: string;
  readonly seconds: number;
  /** Where visitors go back to past a limit. */
  readonly back: { readonly live: Color; readonly canary: number };
}

const watchSh = ({ directory }: KnownHost): string => `${directory}/bin/watch.sh`;

export async function watchState(host: KnownHost): Promise<WatchState> {
  return parseWatchState(await host.ask([watchSh(host), host.directory, "status"]));
}

/** Ends the watch; visitors stay where they are. */
export async function stopWatch(host: KnownHost): Promise<WatchState> {
  await host.ask([watchSh(host), host.directory, "stop"]);
  return await watchState(host);
}

/** Begins the watch on the host: it goes on there, whatever becomes of this command. */
async function startWatch(stack: Stack, host: KnownHost, hold: Hold): Promise<WatchState> {
  const { color, release, seconds, back } = hold;
  const watched = gatewayLines(await host.ask(controlWords(host, "/state")));
  const plan = renderWatchPlan({
    ...{ color, release, watched },
    container: namesOf({ project: stack.project, stack: stack.name }).part("api", color),
    seconds,
    back: { live: back.live, canary: String(back.canary) },
    limits: keySchemas.watch.parse(stack.config.values["watch"]),
  });
  return parseWatchState(await host.ask([watchSh(host), host.directory, "start"], plan));
}

function gatewayLines(text: string): GatewayLines {
  const lines = parseLines(text);
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

/**
 * The verdict, asked for until it is there or `detach` says that nobody waits for it.
 * @throws Failure where the host does not answer for so long; the watch goes on there
 */
async function followed(
  name: string,
  host: KnownHost,
  progress: Progress,
  detach: AbortSignal,
): Promise<WatchState> {
  let heard = performance.now();
  for (;;) {
    const state = await watchState(host).catch((error: unknown) => {
      if (performance.now() - heard < SILENT_MS) return undefined;
      throw new Failure(
        `the host does not answer any more: ${messageOf(error)}\nthe watch goes on there: bluegreen watch --stack ${name}`,
      );
    });
    if (state !== undefined) heard = performance.now();
    if (detach.aborted || (state !== undefined && state.kind !== "watching"))
      return state ?? { kind: "none" };
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
  await startWatch(stack, host, wanted);
  const state = await followed(name, host, progress, detach);
  switch (state.kind) {
    case "none":
    case "watching":
      progress.line(`the watch goes on on the host: bluegreen watch --stack ${name}`);
      return state;
    case "verdict":
      // Who ended it by hand knows; whatever else is not good was not held to its limits.
      if (state.verdict === "good" || state.verdict === "ended") return state;
      if (state.verdict !== "bad") {
        throw new Failure(
          `release ${release} was not watched to the end, and is where it was: ${state.verdict}: ${state.reason}\n` +
            `where visitors are: bluegreen status --stack ${name}`,
        );
      }
  }
  messenger.tell({ event: "taken back", reason: state.reason });
  const container = namesOf({ project: stack.project, stack: name }).part("api", wanted.color);
  const log = await host
    .ask(["sh", "-c", 'docker logs --tail 20 "$1" 2>&1', "sh", container])
    .catch(() => "");
  await setConfig(stack, { active: wanted.back.live, canary: wanted.back.canary });
  await carriedOut(stack, `release ${wanted.release} was taken back`, progress).finally(messenger.settled);
  throw new Failure(
    `release ${wanted.release} was taken back: ${state.reason}; ${wanted.back.live} is live, canary ${wanted.back.canary} %\n` +
      `the last lines of ${container}:\n${log}`,
  );
}
