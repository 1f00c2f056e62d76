import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Delivery } from "./render.ts";

/** How long one try may take, what lies between the two, and how long all of it may take. */
export interface Patience {
  readonly tryMs: number;
  readonly pauseMs: number;
  readonly allMs: number;
}
const PATIENCE: Patience = { tryMs: 4000, pauseMs: 1000, allMs: 10_000 };

/** Why a delivery came to nothing, in words that hold no address, key or answer of the receiver. */
interface Undelivered {
  readonly reason: string;
  /** Whether it may be different in a moment. */
  readonly again: boolean;
}

/** Sends it, a second time where that may help. What went wrong, or `undefined`; 10 s at most. */
export async function send(delivery: Delivery, patience = PATIENCE): Promise<string | undefined> {
  const over = new AbortController();
  const late = sleep(patience.allMs, `no answer within ${patience.allMs / 1000} s`, { signal: over.signal });
  try {
    return await Promise.race([sendTwice(delivery, patience), late]);
  } finally {
    // Nobody waits for the clock any more.
    late.catch(() => undefined);
    over.abort();
  }
}

async function sendTwice(delivery: Delivery, { tryMs, pauseMs }: Patience): Promise<string | undefined> {
  const first = await once(delivery, tryMs);
  if (first?.again !== true) return first?.reason;
  await sleep(pauseMs);
  return (await once(delivery, tryMs))?.reason;
}

async function once(delivery: Delivery, tryMs: number): Promise<Undelivered | undefined> {
  switch (delivery.kind) {
    case "post":
      return await post(delivery, tryMs);
    case "mail":
      return await mail(delivery, tryMs);
  }
}

async function post(
  { url, body }: Extract<Delivery, { kind: "post" }>,
  tryMs: number,
): Promise<Undelivered | undefined> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      // What it led to would be asked by GET, without the message.
      redirect: "manual",
      signal: AbortSignal.timeout(tryMs),
    });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    return { reason: `HTTP ${answer.status}`, again: answer.status >= 500 || answer.status === 429 };
  } catch (error) {
    return { reason: whyNotPosted(error, tryMs), again: true };
  }
}

const timedOut = z.object({ name: z.literal("TimeoutError") });
const coded = z.object({ cause: z.object({ code: z.string() }) });

/** Only the code: the words around it may hold the address. */
function whyNotPosted(error: unknown, tryMs: number): string {
  if (timedOut.safeParse(error).success) return `no answer within ${tryMs / 1000} s`;
  return coded.safeParse(error).data?.cause.code ?? "no connection";
}

async function mail(
  { through: { server, port, tls, login, from, to }, subject, text }: Extract<Delivery, { kind: "mail" }>,
  tryMs: number,
): Promise<Undelivered | undefined> {
  // A program that starts with every update loads it only when it has a mail to send.
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host: server,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ...(login && { auth: { user: login.username, pass: login.password } }),
    connectionTimeout: tryMs,
    greetingTimeout: tryMs,
    socketTimeout: tryMs,
    dnsTimeout: tryMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({ from, to: [...to], subject, text });
    return undefined;
  } catch (error) {
    return whyNotMailed(error);
  } finally {
    transport.close();
  }
}

const mailError = z.object({ code: z.string().optional(), responseCode: z.number().optional() });

/** Only the codes: a server's words may repeat what it was told. */
function whyNotMailed(error: unknown): Undelivered {
  const { code, responseCode } = mailError.safeParse(error).data ?? {};
  const reason = [code ?? "no connection", responseCode === undefined ? "" : `SMTP ${responseCode}`]
    .filter(Boolean)
    .join(", ");
  return { reason, again: responseCode === undefined ? code !== "EAUTH" : responseCode < 500 };
}
