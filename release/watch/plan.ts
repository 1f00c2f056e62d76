import type { Color, Settings } from "../../components/config/schema.ts";

/** Where the gateway sends visitors, as it says it itself. */
export interface GatewayLines {
  readonly live: string;
  readonly canary: string;
  readonly "release.blue": string;
  readonly "release.green": string;
}

export interface WatchRequest {
  readonly color: Color;
  readonly release: string;
  /** The container that is looked at. */
  readonly container: string;
  readonly seconds: number;
  /** What is watched, and where visitors go back to. */
  readonly watched: GatewayLines;
  readonly back: Pick<GatewayLines, "live" | "canary">;
  readonly limits: Settings["watch"];
}

/** The plan that watch.sh reads. */
export function renderWatchPlan({
  color,
  release,
  container,
  seconds,
  watched,
  back,
  limits,
}: WatchRequest): string {
  const percent = (share: number): number => Number((share * 100).toFixed(4));
  return [
    `color ${color}`,
    `release ${release}`,
    `container ${container}`,
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

function stateLines(state: GatewayLines): string {
  const { live, canary } = state;
  return `live ${live};canary ${canary};release.blue ${state["release.blue"]};release.green ${state["release.green"]}`;
}

/** What watch.sh says of the host's one watch. */
export type WatchState =
  | { readonly kind: "none" }
  | { readonly kind: "watching"; readonly color: string; readonly release: string; readonly until: number }
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
