import { messageOf } from "../components/message-of.ts";

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

/** The host, or its engine, did not answer or not as it should: a refusal as long as nothing was begun. */
export class HostError extends Refusal {
  constructor(message: string, stack: string) {
    super(
      `the host does not answer as it should: ${message}`,
      `mend what it names; npx bluegreen doctor --stack ${stack} looks at the rest`,
    );
    this.name = "HostError";
  }
}

/** Work on top of something that was done already. @throws Failure for what would be a refusal: something was changed */
export async function onTop<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw new Failure(`${error.message}\n${error.fix}`);
    throw error;
  }
}

/** How a command ended that did not come to its result, as `--json` prints it. */
export interface Ended {
  readonly kind: "refused" | "failed" | "interrupted";
  readonly message: string;
  /** What to type. */
  readonly next: string;
  readonly exitCode: number;
}

/** `isCutOff`: somebody cut the command off, whatever it ended with then. */
export function endOf(error: unknown, isCutOff: boolean): Ended {
  const isRefusal = error instanceof Refusal;
  const kind = isCutOff ? "interrupted" : isRefusal ? "refused" : "failed";
  return {
    kind,
    message: messageOf(error),
    next: isRefusal ? error.fix : "npx bluegreen status, with the same --stack, says where it stands",
    exitCode: EXIT[kind],
  };
}

/** The one document on stdout. */
export function renderEnd(error: Ended): string {
  return `${JSON.stringify({ error }, null, 2)}\n`;
}
