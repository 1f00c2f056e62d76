import type { Color } from "../../components/config/schema.ts";
import { cutOff } from "../cut-off.ts";
import { Failure, onTop } from "../outcome.ts";
import { promote } from "../promote/promote.ts";
import { secondsOf } from "../../components/seconds-of.ts";
import type { Progress } from "../terminal.ts";
import type { WatchState } from "../watch/plan.ts";
import { watchIt } from "../watch/command.ts";

export interface CanarySteps {
  readonly color: Color;
  readonly release: string;
  /** The colour that visitors go back to past a limit, all of them. */
  readonly back: Color;
  /** Percent of the visitors, each more than the one before. */
  readonly steps: readonly number[];
  readonly holdSeconds: number;
  readonly by: string;
}

export interface SteppedUp {
  /** The share that the release has now. */
  readonly percent: number;
  /** How long the updates of all steps took, without the time they were held. */
  readonly milliseconds: number;
}

/**
 * Takes a waiting release through shares of the visitors, each held and watched. Ends early where somebody cut the command off: the
 * step's watch goes on on the host, and the share stays.
 * @throws Failure where a step was taken back, or its watch ended without a verdict
 */
export async function stepUp(
  name: string,
  { color, release, back, steps, holdSeconds, by }: CanarySteps,
  { folder, progress }: { readonly folder: string; readonly progress: Progress },
): Promise<SteppedUp> {
  let reached: SteppedUp = { percent: 0, milliseconds: 0 };
  for (const percent of steps) {
    // Also of a signal that came before the first step, or together with a verdict: what is reached stays.
    if (cutOff.aborted) break;
    const { milliseconds } = await onTop(() => promote(name, { percent, by }, { folder, progress }));
    reached = { percent, milliseconds: reached.milliseconds + (milliseconds["update"] ?? 0) };
    const state = await watchIt(
      name,
      { color, release, seconds: holdSeconds, back: { live: back, canary: 0 } },
      progress,
    );
    if (!goesOn(name, { release, percent, holdSeconds }, state, progress)) break;
  }
  return reached;
}

function goesOn(
  name: string,
  {
    release,
    percent,
    holdSeconds,
  }: Pick<CanarySteps, "release" | "holdSeconds"> & { readonly percent: number },
  state: WatchState,
  progress: Progress,
): boolean {
  switch (state.kind) {
    case "verdict":
      // With all visitors there is no next step that would need a verdict.
      if (state.verdict === "good" || (state.verdict === "unjudged" && percent === 100)) {
        progress.line(`${percent} %: held for ${secondsOf(holdSeconds * 1000)}`);
        return true;
      }
      throw new Failure(
        `release ${release} stays at ${percent} % of the visitors: its watch ended without a verdict (${state.verdict}: ${state.reason})\n` +
          `go on: npx bluegreen promote --stack ${name} --to 100; back: npx bluegreen rollback --stack ${name}`,
      );
    case "watching":
    case "none":
      progress.line(
        `release ${release} stays at ${percent} %: go on with npx bluegreen promote --stack ${name} --to 100, or back with npx bluegreen rollback --stack ${name}`,
      );
      return false;
  }
}
