import { type Color, COLORS, type Release } from "../config/schema.ts";
import type { SlotSpec, StackRecord } from "./record.ts";

/** What this run does with one slot. */
export type SlotPlan =
  | { readonly kind: "empty" }
  /** The release did not change: the slot is declared exactly as it began. */
  | { readonly kind: "kept"; readonly spec: SlotSpec }
  | { readonly kind: "released"; readonly spec: SlotSpec };

export type Slots<T> = Readonly<Record<Color, T>>;

/**
 * Decides for each slot whether it changes: only when its own release id does (invariant 1).
 * `begin` makes a new release's spec from today's settings. What may not change at all is refused earlier, by `checkRelease`.
 */
export function planSlots(
  wanted: { readonly [C in Color]?: Release | undefined },
  previous: StackRecord | undefined,
  begin: (color: Color, release: Release) => SlotSpec,
): Slots<SlotPlan> {
  const plan = (color: Color): SlotPlan => {
    const release = wanted[color];
    if (release === undefined) return { kind: "empty" };
    const running = previous?.slots[color];
    return running?.release === release.release
      ? { kind: "kept", spec: running }
      : { kind: "released", spec: begin(color, release) };
  };
  return { blue: plan("blue"), green: plan("green") };
}

/** What a planned slot is made from; `undefined` for one without a release. */
export function specOf(plan: SlotPlan): SlotSpec | undefined {
  switch (plan.kind) {
    case "empty":
      return undefined;
    case "kept":
    case "released":
      return plan.spec;
  }
}

/** Whether some slot begins a new release in this run. */
export function beginsRelease(
  wanted: { readonly [C in Color]?: Release | undefined },
  previous: StackRecord | undefined,
): boolean {
  return COLORS.some(
    (color) => wanted[color] !== undefined && wanted[color].release !== previous?.slots[color]?.release,
  );
}
