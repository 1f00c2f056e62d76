import { setTimeout as sleep } from "node:timers/promises";

import type { Answer, Target } from "./connection.ts";
import { Connection } from "./connection.ts";
import type { Expectation } from "./expectation.ts";
import { isColor, judge } from "./judge.ts";
import type { Tally } from "./tally.ts";
import type { Clients, Kind } from "./types.ts";
import { defaultPath, nowMs } from "./types.ts";

/** What all clients of one run share. */
export interface Run {
  readonly target: Target;
  readonly tally: Tally;
  readonly expectation: Expectation;
  readonly timeoutMs: number;
  readonly colored: boolean;
  /** In every id, so that two runs against one database do not meet. */
  readonly name: string;
  stopped: boolean;
}

function requestText(kind: Kind, path: string, host: string, id: string): string {
  const common = `Host: ${host}\r\nX-Request-Id: ${id}\r\n`;
  if (kind === "post") {
    const body = JSON.stringify({ clientId: id, name: id });
    return `POST ${path} HTTP/1.1\r\n${common}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }
  return `GET ${path} HTTP/1.1\r\n${common}${kind === "fresh" ? "Connection: close\r\n" : ""}\r\n`;
}

function verdict(
  run: Run,
  kind: Kind,
  answer: Answer,
  moment: number,
): { color: string } | { error: string } {
  if (!run.colored) {
    const ok = answer.status >= 200 && answer.status <= 299;
    return ok ? { color: "any" } : { error: `status ${answer.status}` };
  }
  return judge(answer, run.expectation.since(moment), kind === "get" || kind === "fresh");
}

/** One client: a request, its answer, a pause, the next request; what fails is counted and not sent again. */
async function client(run: Run, kind: Kind, clients: Clients, number: number): Promise<void> {
  const host = `${run.target.host}:${run.target.port}`;
  const path = clients.path ?? defaultPath[kind];
  let connection: Connection | undefined;
  for (let turn = 0; !run.stopped; turn++) {
    if (connection?.dead !== false) {
      if (connection?.closedIdle === true) run.tally.closedIdle++;
      connection = new Connection(run.target, run.timeoutMs);
    }
    const id = `${run.name}-${kind}-${number}-${turn}`;
    const moment = run.expectation.moment();
    const sentMs = nowMs();
    run.tally.began(kind);
    try {
      const answer = await connection.request(requestText(kind, path, host, id));
      const said = verdict(run, kind, answer, moment);
      if ("error" in said) {
        run.tally.failed(kind, id, said.error);
      } else {
        run.tally.answered(kind, said.color, sentMs);
      }
      const acknowledged = answer.status >= 200 && answer.status <= 299;
      if (kind === "post" && acknowledged) run.tally.writes.push(id);
      if (!acknowledged && clients.pauseMs === undefined) await sleep(5);
    } catch (error) {
      run.tally.failed(kind, id, error instanceof Error ? error.message : String(error));
      await sleep(5);
    }
    if (kind === "fresh") connection.close();
    if (clients.pauseMs !== undefined) await sleep(clients.pauseMs);
  }
  connection?.close();
}

/** Starts the clients of one request kind; resolves once `run.stopped` is set and the last answers are in. */
export async function requestClients(run: Run, kind: Kind, clients: Clients): Promise<void> {
  await Promise.all(
    Array.from({ length: clients.clients }, async (_, number) => {
      await sleep((number / clients.clients) * (clients.pauseMs ?? 0));
      await client(run, kind, clients, number);
    }),
  );
}

export function colorOf(headers: ReadonlyMap<string, string>): "blue" | "green" | undefined {
  const color = headers.get("x-color");
  return isColor(color) ? color : undefined;
}
