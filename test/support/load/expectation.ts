import type { Color } from "./types.ts";

const either: readonly Color[] = ["blue", "green"];

/**
 * Which colours may answer. A request that was under way while that changed may be answered as either side says;
 * one sent after the change may not.
 */
export class Expectation {
  #history: (readonly Color[])[];

  constructor(colors: readonly Color[] = either) {
    this.#history = [colors];
  }

  set(colors: readonly Color[]): void {
    this.#history.push(colors);
  }

  /** To be kept from the sending of a request until its answer. */
  moment(): number {
    return this.#history.length - 1;
  }

  since(moment: number): readonly Color[] {
    return [...new Set(this.#history.slice(moment).flat())];
  }
}
