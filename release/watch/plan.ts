import { type Color, type Settings, keySchemas } from "../../components/config/schema.ts";
import { problemsOf } from "../../components/config/problems.ts";
import { parsedJson } from "../../components/parsed-json.ts";
import type { PlainMap } from "../config-file.ts";
import { Refusal } from "../outcome.ts";

/** Where the gateway sends visitors, as it says it itself. */
export interface GatewayLines {
  readonly live: string;
  readonly canary: string;
  readonly "release.blue": string;
  readonly "release.green": string;
}

export interface WatchRequest {
  /** Who began the watch follows it by this. */
  readonly id: string;
  readonly color: Color;
  readonly release: string;
  /** The containers that are looked at. */
  readonly containers: readonly string[];
  readonly seconds: number;
  /** What is watched, and where visitors go back to. */
  readonly watched: GatewayLines;
  readonly back: Pick<GatewayLines, "live" | "canary">;
  readonly limits: Settings["watch"];
}

/** The plan that watch.sh reads. */
export function renderWatchPlan({
  id,
  color,
  release,
  containers,
  seconds,
  watched,
  back,
  limits,
}: WatchRequest): string {
  const percent = (share: number): number => Number((share * 100).toFixed(4));
  return [
    `id ${id}`,
    `color ${color}`,
    `release ${release}`,
    `containers ${containers.join(" ")}`,
    `seconds ${seconds}`,
    `watched ${stateLines(watched)}`,
    `back ${stateLines({ ...watched, ...back })}`,
    `maxErrorPercent ${percent(limits.maxErrorRate)}`,
    `worseErrorPercent ${percent(limits.worseErrorRate)}`,
    `maxP99Ms ${limits.maxP99Milliseconds}`,
    `worseP99Factor ${limits.worseP99Factor}`,
    `minRequests ${limits.minimumRequests}`,
    "",
  ].join("\n");
}

/** Whether visitors, all or a share of them, are sent to this release of the colour: there is something to be watched. */
export function isSentTo(
  { color, release }: Pick<WatchRequest, "color" | "release">,
  watched: GatewayLines,
): boolean {
  const releaseThere = color === "blue" ? watched["release.blue"] : watched["release.green"];
  return releaseThere === release && (watched.live === color || Number(watched.canary) > 0);
}

function stateLines(state: GatewayLines): string {
  const { live, canary } = state;
  return `live ${live};canary ${canary};release.blue ${state["release.blue"]};release.green ${state["release.green"]}`;
}

/** What watch.sh says of the host's one watch. */
export type WatchState =
  | { readonly kind: "none" }
  | { readonly kind: "watching"; readonly color: string; readonly release: string; readonly until: number }
  /** `unjudged`: all was well, with fewer requests than a release is judged by. */
  | { readonly kind: "verdict"; readonly verdict: string; readonly reason: string };

export function parseWatchState(text: string): WatchState {
  const [first, ...rest] = (text.trim().split("\n").at(-1) ?? "").split(" ");
  switch (first) {
    case "watching": {
      const [color = "", release = "", until = ""] = rest;
      return { kind: "watching", color, release, until: Number(until) };
    }
    case "verdict":
      return { kind: "verdict", verdict: rest[0] ?? "", reason: rest.slice(1).join(" ") };
    case undefined:
    default:
      return { kind: "none" };
  }
}

/** Whether watch.sh leaves it to whoever asked to tell of the verdict. */
export function isLeftToUs(text: string): boolean {
  return text.split("\n").includes("messages yours");
}

/** For a person; `now` in milliseconds. */
export function renderWatchState(state: WatchState, now: number): string {
  switch (state.kind) {
    case "none":
      return "nothing was watched here yet\n";
    case "watching": {
      const left = Math.max(0, Math.ceil(state.until - now / 1000));
      return `release ${state.release} on ${state.color} is being watched, ${left} s to go\n`;
    }
    case "verdict":
      return `${state.verdict}: ${state.reason}\n`;
  }
}

/** Why a release was not watched to the end, for whoever waited for it. */
export function describeUnwatched(
  release: string,
  { verdict, reason }: Pick<Extract<WatchState, { kind: "verdict" }>, "verdict" | "reason">,
  stack: string,
): string {
  const how =
    verdict === "superseded"
      ? `: visitors were sent elsewhere meanwhile (superseded: ${reason})`
      : `, and is where it was: ${verdict}: ${reason}`;
  return `release ${release} was not watched to the end${how}\nwhere visitors are: npx bluegreen status --stack ${stack}`;
}

/** What a release is held to, as the stack's config says. @throws Refusal with all that is wrong there, and what to type */
export function watchLimits(config: PlainMap): Settings["watch"] {
  const held = config["watch"];
  // Set without --path it is one text.
  const value = typeof held === "string" ? (parsedJson(held) ?? held) : held;
  const read = keySchemas.watch.safeParse(value);
  if (read.success) return read.data;
  const problems = problemsOf("watch", value, read.error.issues);
  throw new Refusal(
    problems.map(({ key, got, allowed }) => `bluegreen:${key}: got ${got}; allowed: ${allowed}`).join("\n"),
    `${problems.map(({ fix }) => fix).join(" && ")}, with the same --stack`,
  );
}

/**
 * How long a release is watched once visitors are sent to it: as asked for, or as the stack's config says; 0: not at all.
 * @throws Refusal where the config says nothing that can be read
 */
export function holdSeconds(asked: number | undefined, config: PlainMap): number {
  return asked ?? watchLimits(config).holdMinutes * 60;
}

/** How long each step of a canary is held: where a stack watches nothing (`seconds` is 0) for the default, or a step would show nothing. */
export function stepSeconds(seconds: number): number {
  return seconds > 0 ? seconds : holdSeconds(undefined, {});
}

/** `30s`, `10m`, `2h` in seconds; `undefined` for what is no such time. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,5})(s|m|h)$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3600 };
  switch (unit) {
    case "s":
    case "m":
    case "h":
      return Number(number) * seconds[unit];
    case undefined:
    default:
      return undefined;
  }
}
