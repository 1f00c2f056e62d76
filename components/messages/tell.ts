import type { Channel } from "../config/messages-schema.ts";
import type { Entry } from "../ledger/entry.ts";
import type { Message, News } from "./message.ts";
import { render } from "./render.ts";
import { send } from "./send.ts";

/** One channel that a message did not reach, and why. */
export interface Missed {
  readonly channel: Channel["kind"];
  readonly event: News["event"];
  readonly reason: string;
}

/** Sends one message to all channels at once, and says of each that it missed. It fails nothing, and is over after 10 s. */
export async function tellAll(
  channels: readonly Channel[],
  message: Message,
  missed: (one: Missed) => Promise<void>,
): Promise<readonly Missed[]> {
  const sent = channels.map(async (channel) => {
    const reasons = await Promise.all(render(channel, message).map((one) => send(one)));
    const reason = reasons.find((one) => one !== undefined);
    if (reason === undefined) return [];
    const one = { channel: channel.kind, event: message.event, reason };
    await missed(one);
    return [one];
  });
  return (await Promise.all(sent)).flat();
}

/** The ledger's line of it. */
export function missedEntry({ channel, event, reason }: Missed): Entry<"undelivered"> {
  return { event: "undelivered", at: new Date().toISOString(), message: event, channel, reason };
}

/** What a person reads of it. */
export function describeMissed({ channel, reason }: Missed): string {
  return `message not delivered: ${channel}: ${reason}`;
}
