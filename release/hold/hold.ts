import { setTimeout as sleep } from "node:timers/promises";
import { COLORS } from "../../components/config/schema.ts";
import { parseLines } from "../../components/host/observation.ts";
import type { LedgerEntry } from "../../components/ledger/entry.ts";
import { messageOf } from "../../components/message-of.ts";
import { READ, type KnownHost, addEntry, controlWords, reachHost } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { openStack } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { exitOf } from "./child.ts";

export interface HoldRequest {
  readonly seconds: number;
  readonly by: string;
  /** What is run here meanwhile; the hold ends with it. Empty: nothing, the hold lasts its time. */
  readonly command: readonly string[];
}

export interface Held {
  readonly stack: string;
  /** How many requests waited; `null` where the gateway could not be asked any more. */
  readonly requests: number | null;
  readonly milliseconds: number;
}

interface Around {
  readonly folder: string;
  readonly progress: Progress;
  /** Lets visitors go at once. */
  readonly cutOff: AbortSignal;
}

/**
 * Keeps visitors' requests waiting in the gateway, which knows itself when to let them go: whatever happens here, no longer
 * than `seconds`.
 * @throws Refusal where nothing was held; Failure where the command failed
 */
export async function hold(name: string, request: HoldRequest, around: Around): Promise<Held> {
  const { seconds, by, command } = request;
  const { folder, progress, cutOff } = around;
  const host = await reachHost(await openStack(name, folder));
  const isCutOff = (): boolean => cutOff.aborted;
  if (isCutOff())
    throw new Refusal("cut off before anything was held", `npx bluegreen hold --stack ${name} …`);
  const until = await begin(host, name, seconds);
  const began = performance.now();
  progress.line(`${name}: requests wait in the gateway, ${seconds} s at the most`);
  const at = new Date().toISOString();
  const noted = note(host, { event: "hold", at, by, seconds }, progress);
  const over = new AbortController();
  const time = sleep(seconds * 1000, undefined, { signal: AbortSignal.any([over.signal, cutOff]) }).then(
    () => {
      if (command.length > 0)
        progress.line(`the hold is over after ${seconds} s, and the command still runs`);
    },
    () => undefined,
  );
  const runCommand = async (): Promise<number | string> => {
    await settled(host, progress, { limitMs: Math.min(SETTLE_MS, seconds * 250), signal: cutOff });
    if (isCutOff()) return "cut off before it began";
    return await exitOf(command);
  };
  const code = command.length === 0 ? time.then(() => 0) : runCommand();
  const cut = new Promise<void>((resolve) => {
    cutOff.addEventListener("abort", () => {
      resolve();
    });
  });
  // Whoever is cut off lets visitors go first, and then waits for what it began.
  await Promise.race([code.catch(() => undefined), cut]);
  over.abort();
  const held = {
    stack: name,
    ...(await letGo(host, until, progress)),
    milliseconds: Math.round(performance.now() - began),
  };
  const ended = await code.catch(messageOf);
  await noted;
  const { requests, milliseconds } = held;
  await note(
    host,
    { event: "held", at: new Date().toISOString(), milliseconds, requests: requests ?? 0 },
    progress,
  );
  if (isCutOff()) throw new Failure("cut off; visitors were let go");
  if (ended !== 0) throw new Failure(`the command failed (${ended}); visitors were let go`);
  return held;
}

/** Answers what the gateway knows the hold by. */
async function begin(host: KnownHost, name: string, seconds: number): Promise<string> {
  const answer = await host.ask(controlWords(host, `/hold?seconds=${seconds}`, "PUT"));
  const until = parseLines(answer).get("until");
  if (until !== undefined && until !== "none") return until;
  throw new Refusal(`nothing was held: ${answer.trim()}`, `npx bluegreen status --stack ${name}`);
}

/** How long the command waits for what was passed on before, a quarter of the hold at the most. WebSockets and streams do not end for it. */
const SETTLE_MS = 2000;

/** Waits until the application has answered what was passed on to it before the hold. */
async function settled(
  host: KnownHost,
  progress: Progress,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const counts = parseLines(await host.ask(controlWords(host, "/counts"), "", READ));
    const open = COLORS.reduce((sum, color) => sum + Number(counts.get(`${color}.open`) ?? 0), 0);
    if (open <= 0 || signal.aborted) return;
    if (performance.now() > limit) {
      progress.line(`${open} that came before are still open: they go on beside the command`);
      return;
    }
    await sleep(50);
  }
}

async function letGo(host: KnownHost, until: string, progress: Progress): Promise<Pick<Held, "requests">> {
  try {
    // It ends this one hold and no other, however often.
    const ended = controlWords(host, `/hold?until=${until}`, "DELETE");
    const answer = await host.ask(ended, "", { repeatable: true });
    return { requests: Number(parseLines(answer).get("held") ?? 0) };
  } catch (error) {
    progress.line(`the host cannot be told; the gateway lets go by itself in time: ${messageOf(error)}`);
    return { requests: null };
  }
}

async function note(host: KnownHost, entry: LedgerEntry, progress: Progress): Promise<void> {
  await addEntry(host, entry).catch((error: unknown) => {
    progress.line(`the ledger could not be written: ${messageOf(error)}`);
  });
}
