import { InvalidArgumentError } from "@commander-js/extra-typings";
import { parseDuration } from "./watch/plan.ts";

export const HOLD_HELP =
  "watch it for so long (30s, 30m, 2h; 0s: not at all): past a limit visitors go back (default: the stack's watch.holdMinutes)";

export function collectImages(
  value: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = value.indexOf("=");
  if (at < 1 || at === value.length - 1)
    throw new InvalidArgumentError("It is PART=IMAGE, such as api=registry/app:1.2");
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

export function duration(value: string): number {
  const seconds = parseDuration(value);
  if (seconds !== undefined) return seconds;
  throw new InvalidArgumentError("It is a time such as 30s, 30m or 2h; 0s is not at all.");
}

export function percent(value: string): number {
  if (/^(\d|[1-9]\d|100)$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It is a whole number from 0 to 100.");
}

export function positive(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It is a whole number from 1 on.");
}

/** `10,50,100` as numbers. */
export function risingPercents(value: string): readonly number[] {
  const steps = value.split(",").map(percent);
  const rises = steps.every((step, index) => step > (steps[index - 1] ?? 0));
  if (rises) return steps;
  throw new InvalidArgumentError("It is rising percents such as 10,50,100.");
}
