import { messageOf } from "../../components/message-of.ts";
import { Refusal } from "../outcome.ts";
import { openStack, recordOf } from "../stack.ts";
import type { Missed } from "../../components/messages/tell.ts";
import { openMessenger, readChannels } from "./messenger.ts";

export interface Tested {
  readonly channels: number;
  readonly missed: readonly Missed[];
}

/** Sends every channel of the stack a test. @throws Refusal where it has none */
export async function testMessages(
  name: string,
  folder: string,
  by: string,
  warn: (text: string) => void,
): Promise<Tested> {
  const stack = await openStack(name, folder);
  const { live, slots } = recordOf(stack);
  const held = stack.config.values["messages"];
  const channels = Array.isArray(held) ? held.length : 0;
  if (channels === 0) {
    throw new Refusal(
      `the stack ${name} has no channel for messages`,
      `pulumi config set --stack ${name} --path 'messages[0].kind' slack && pulumi config set --stack ${name} --secret --path 'messages[0].url'`,
    );
  }
  const about = { command: "messages", by, release: slots[live]?.release ?? "none", color: live };
  await readChannels(stack).catch((error: unknown) => {
    throw new Refusal(messageOf(error), `pulumi preview --stack ${name}`);
  });
  const messenger = openMessenger(stack, about, { host: undefined, warn });
  // Whoever is not known yet would not be known to be missed.
  await messenger.channels;
  messenger.tell({ event: "test" });
  return { channels, missed: await messenger.settled() };
}
