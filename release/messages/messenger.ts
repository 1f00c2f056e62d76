import { SETTLED_MS, settledWithin } from "../../components/messages/settled.ts";
import { type Channel, channelsSchema } from "../../components/config/messages-schema.ts";
import { setCommand, valueAt } from "../../components/config/commands.ts";
import { secretsIn } from "../../components/config/secret-paths.ts";
import { messageOf } from "../../components/message-of.ts";
import type { About, Message, News } from "../../components/messages/message.ts";
import { type Missed, describeMissed, missedEntry, tellAll } from "../../components/messages/tell.ts";
import { parsedJson } from "../../components/parsed-json.ts";
import { type KnownHost, addEntry } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { type Stack, firstLine } from "../stack.ts";

/** Tells a stack's channels what becomes of one release. It fails nothing and holds nothing up. */
export interface Messenger {
  /** Where messages go; none where that cannot be read. */
  readonly channels: Promise<readonly Channel[]>;
  /** Begins to send, and returns at once. */
  readonly tell: (news: News, milliseconds?: number) => void;
  /** What is known not to be delivered, once nothing is under way any more: 11 s after the last `tell` at the latest. */
  readonly settled: () => Promise<readonly Missed[]>;
}

/** What of a stack tells where its messages go. */
export type Telling = Pick<Stack, "config" | "project" | "name"> & {
  readonly engine: Pick<Stack["engine"], "getConfig">;
};

export interface Surroundings {
  /** Whose ledger gets a line for what was not delivered. */
  readonly host: KnownHost | undefined;
  readonly warn: (text: string) => void;
}

/** What the ledger's line may take of a channel that gave up at the very end. */
const LEAST_LEDGER_MS = 1000;

/** @throws Refusal where a channel's secret stands in the config as plain text */
export function openMessenger(
  stack: Telling,
  about: Omit<About, "project" | "stack">,
  { host, warn }: Surroundings,
): Messenger {
  refusePlainSecrets(stack);
  // Decrypted here and now, for the messages alone; while that takes its time, the plan is made.
  const channels: Promise<readonly Channel[]> = readChannels(stack).catch((error: unknown) => {
    warn(`no messages: ${messageOf(error)}`);
    return [];
  });
  const underWay: Promise<unknown>[] = [];
  const missed: Missed[] = [];
  let until = 0;
  const leftMs = (): number => Math.max(0, until - performance.now());
  const miss = async (one: Missed): Promise<void> => {
    missed.push(one);
    warn(describeMissed(one));
    if (host === undefined) return;
    // Nobody waits for it then, and as long as it runs this process does not end.
    const timeoutMs = Math.max(LEAST_LEDGER_MS, leftMs());
    const brief: KnownHost = { ...host, ask: (words, stdin) => host.ask(words, stdin, { timeoutMs }) };
    await addEntry(brief, missedEntry(one)).catch(() => undefined);
  };
  return {
    channels,
    tell: (news, milliseconds) => {
      const message: Message = {
        ...{ project: stack.project, stack: stack.name, ...about, ...news },
        at: new Date().toISOString(),
        ...(milliseconds !== undefined && { milliseconds: Math.round(milliseconds) }),
      };
      until = performance.now() + SETTLED_MS;
      underWay.push(channels.then((all) => tellAll(all, message, miss)));
    },
    settled: async () => {
      await settledWithin(underWay, leftMs());
      return [...missed];
    },
  };
}

/** @throws Error that holds nothing of the value */
export async function readChannels({ config, engine, project, name }: Telling): Promise<readonly Channel[]> {
  if (config.values["messages"] === undefined) return [];
  const { value } = await engine.getConfig(`${project}:messages`).catch((error: unknown) => {
    throw new Error(firstLine(error));
  });
  const read = channelsSchema.safeParse(parsedJson(value));
  if (read.success) return read.data;
  throw new Error(
    `bluegreen:messages cannot be read; pulumi preview --stack ${name} says what is wrong with it`,
  );
}

/** The engine tells its program of a key as a whole that it holds secrets: a plain one beside them shows only in the file. */
export function refusePlainSecrets({ config, name }: Pick<Stack, "config" | "name">): void {
  const held = config.values["messages"];
  const plain = secretsIn("messages", held).find((path) => {
    const value = valueAt(config.values, path);
    return typeof value !== "object" || value === null || !("secure" in value);
  });
  if (plain === undefined) return;
  throw new Refusal(
    "a channel's secret stands in bluegreen:messages as plain text",
    setCommand(plain).replace("pulumi config set", `pulumi config set --stack ${name}`),
  );
}

/**
 * Tells of a command's end, and of its beginning once `begins` is called. The command's own end waits for what is under way, its
 * work does not.
 */
export async function announced<Result>(
  messenger: Messenger,
  work: (begins: () => void) => Promise<Result>,
  newsOf: (result: Result) => News | undefined,
): Promise<Result> {
  let began: number | undefined;
  const sinceThen = (): number | undefined => (began === undefined ? undefined : performance.now() - began);
  try {
    const result = await work(() => {
      began = performance.now();
      messenger.tell({ event: "started" });
    });
    const news = newsOf(result);
    if (news !== undefined) messenger.tell(news, sinceThen());
    return result;
  } catch (error) {
    // What was refused before it began is nobody's business but the caller's.
    if (began !== undefined || error instanceof Failure) {
      messenger.tell({ event: "failed", reason: messageOf(error) }, sinceThen());
    }
    throw error;
  } finally {
    await messenger.settled();
  }
}
