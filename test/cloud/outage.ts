import type { Answer } from "../support/https.ts";

const BETWEEN_MS = 200;

/** Asks again and again, one visitor, from now to `end`. */
export class Outage {
  #over = false;
  #longestMs = 0;
  readonly #asking: Promise<void>;

  constructor(visit: () => Promise<Answer>) {
    this.#asking = this.#ask(visit);
  }

  async #ask(visit: () => Promise<Answer>): Promise<void> {
    let answered = performance.now();
    while (!this.#over) {
      const status = await visit().then(
        (answer) => answer.status,
        () => 0,
      );
      const now = performance.now();
      this.#longestMs = Math.max(this.#longestMs, now - answered);
      if (status === 200) answered = now;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
  }

  /** The longest time without an answer that was 200. */
  async end(): Promise<{ readonly ms: number }> {
    this.#over = true;
    await this.#asking;
    return { ms: this.#longestMs };
  }
}
