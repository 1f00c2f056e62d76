import type { Color } from "../config/schema.ts";
import { secondsOf } from "../seconds-of.ts";

/** Which release a message is about, and who does what with it. */
export interface About {
  readonly project: string;
  readonly stack: string;
  /** The command that runs, such as `deploy`. */
  readonly command: string;
  readonly by: string;
  readonly release: string;
  readonly color: Color;
}

/** What happened. */
export type News =
  | { readonly event: "started" }
  /** Released, without visitors. */
  | { readonly event: "waiting" }
  | { readonly event: "canary"; readonly percent: number }
  | { readonly event: "live" }
  | { readonly event: "rolled back" }
  /** What serves now is part of the reason. */
  | { readonly event: "failed"; readonly reason: string }
  /** The watch sent the visitors back. */
  | { readonly event: "taken back"; readonly reason: string }
  /** `bluegreen messages --test`. */
  | { readonly event: "test" };

export type Message = About &
  News & {
    readonly at: string;
    /** Since the release began. */
    readonly milliseconds?: number;
  };

/** What happened, in one line. */
export function headline(message: Message): string {
  const { stack, release, color, command } = message;
  switch (message.event) {
    case "started":
      return `${stack}: ${command} of release ${release} onto ${color} begins`;
    case "waiting":
      return `${stack}: release ${release} waits on ${color}, no visitor sees it`;
    case "canary":
      return `${stack}: ${message.percent} % of visitors to release ${release} on ${color}`;
    case "live":
      return `${stack}: release ${release} is live on ${color}`;
    case "rolled back":
      return `${stack}: rolled back, release ${release} is live on ${color}`;
    case "failed":
      return `${stack}: ${command} of release ${release} failed`;
    case "taken back":
      return `${stack}: release ${release} was taken back from ${color}`;
    case "test":
      return `${stack}: a test, nothing happened; release ${release} is live on ${color}`;
  }
}

const LONGEST_REASON = 1000;

/** The rest of it, in the order in which a person asks. */
export function details(message: Message): Readonly<Record<string, string>> {
  const { by, command, milliseconds } = message;
  return {
    who: by,
    what: command,
    ...(milliseconds !== undefined && { took: secondsOf(milliseconds) }),
    ...("reason" in message && { reason: message.reason.slice(0, LONGEST_REASON) }),
  };
}
