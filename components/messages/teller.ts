import { SETTLED_MS, settledWithin } from "./settled.ts";
import type { Channel } from "../config/messages-schema.ts";
import { withoutSecrets } from "../config/secret-values.ts";
import { messageOf } from "../message-of.ts";
import type { Message, News } from "./message.ts";
import { type Missed, describeMissed, tellAll } from "./tell.ts";
import type { UpdateNews } from "./update-news.ts";

/** Tells of one update. It fails nothing. */
export interface Teller {
  /** Begins to send, and returns at once. */
  readonly tell: (what: News) => void;
  /** Tells of the end, once, and waits until nothing is under way any more: 11 s at most. */
  readonly end: (what: News | undefined) => Promise<void>;
}

export interface TellerArgs {
  readonly id: Pick<Message, "project" | "stack">;
  readonly about: Pick<UpdateNews, "release" | "color">;
  readonly by: Promise<string>;
  readonly channels: readonly Channel[];
  /** What no warning may hold. */
  readonly secrets: readonly string[];
  readonly warn: (text: string) => Promise<void>;
  /** Writes down what was not delivered. */
  readonly record: (missed: Missed) => Promise<void>;
}

export function openTeller({ id, about, by, channels, secrets, warn, record }: TellerArgs): Teller {
  const { release, color } = about;
  const began = performance.now();
  // Nobody may ask for it, and its failure is nobody's business.
  const who = by.catch(() => "unknown");
  const underWay: Promise<unknown>[] = [];
  let ended = false;
  const send = async (what: News, at: string, milliseconds?: number): Promise<void> => {
    const message: Message = {
      ...{ ...id, release, color, command: "up", by: await who, ...what, at },
      ...(milliseconds !== undefined && { milliseconds }),
    };
    await tellAll(channels, message, async (missed) => {
      await warn(describeMissed(missed));
      await record(missed);
    });
  };
  const tell = (what: News, milliseconds?: number): void => {
    const sent = send(what, new Date().toISOString(), milliseconds).catch(async (error: unknown) => {
      await warn(`message not delivered: ${withoutSecrets(messageOf(error), secrets)}`);
    });
    // No message is worth an update.
    underWay.push(sent.catch(() => undefined));
  };
  return {
    tell,
    end: async (what) => {
      if (ended) return;
      ended = true;
      if (what !== undefined) tell(what, Math.round(performance.now() - began));
      await settledWithin(underWay, SETTLED_MS);
    },
  };
}
