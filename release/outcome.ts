/**
 * How a command ends, as the shell sees it: 0 done; 1 tried, failed and taken back (what serves is said); 2 refused, nothing was
 * changed; 130 cut off by Ctrl-C.
 */
export const EXIT = { done: 0, failed: 1, refused: 2, interrupted: 130 } as const;

/** Refused before anything was changed: what is wrong, and what to type. */
export class Refusal extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.name = "Refusal";
    this.fix = fix;
  }
}

/** Tried and failed; the message says what serves now. */
export class Failure extends Error {
  override readonly name = "Failure";
}
