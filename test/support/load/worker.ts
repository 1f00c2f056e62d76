import type { Run } from "./clients.ts";
import { requestClients } from "./clients.ts";
import { loopback } from "./connection.ts";
import { Expectation } from "./expectation.ts";
import { lastingClients } from "./lasting.ts";
import { Tally } from "./tally.ts";
import type { Command, Kind, Plan, Reply } from "./types.ts";
import { nowMs } from "./types.ts";

/** The process that sends the load, apart from the test's own so that neither waits for the other. */

function reply(message: Reply): void {
  process.send?.(message);
}

let started: { readonly run: Run; readonly clients: Promise<unknown> } | undefined;

function start(plan: Plan, name: string): { run: Run; clients: Promise<unknown> } {
  const run: Run = {
    target: loopback(plan.url),
    tally: new Tally(),
    expectation: new Expectation(plan.expect),
    timeoutMs: plan.timeoutMs ?? 30_000,
    colored: plan.colored ?? true,
    name,
    stopped: false,
  };
  const kinds: readonly Kind[] = ["get", "post", "fresh", "slow", "websocket", "stream"];
  const clients = kinds.map((kind) => {
    const wanted = plan.kinds[kind];
    if (wanted === undefined) return Promise.resolve();
    return kind === "websocket" || kind === "stream"
      ? lastingClients(run, kind, wanted)
      : requestClients(run, kind, wanted);
  });
  return { run, clients: Promise.all(clients) };
}

async function obey(command: Command): Promise<Reply> {
  if (command.type === "start") {
    started = start(command.plan, command.name);
    return { type: "done", nowMs: nowMs() };
  }
  if (started === undefined) throw new Error(`got ${command.type} before start`);
  const { run, clients } = started;
  switch (command.type) {
    case "expect":
      run.expectation.set(command.colors);
      return { type: "done", nowMs: nowMs() };
    case "mark":
      run.tally.mark();
      return { type: "done", nowMs: nowMs() };
    case "report":
      return { type: "report", report: run.tally.report() };
    case "writes":
      return { type: "writes", ids: run.tally.writes };
    case "stop":
      run.stopped = true;
      await clients;
      return { type: "report", report: run.tally.report() };
  }
}

process.on("message", (message: Command) => {
  obey(message).then(reply, (error: unknown) => {
    reply({ type: "error", message: error instanceof Error ? error.message : String(error) });
  });
});

// The test is gone: so is its load.
process.on("disconnect", () => process.exit(0));
