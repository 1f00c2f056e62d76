import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";

import { loopback } from "./connection.ts";
import type { Color, Command, Plan, Reply, Report } from "./types.ts";

export type { Color, Cut, Plan, Report } from "./types.ts";
export { nowMs } from "./types.ts";

/** A running load. Commands are answered in the order they were given. */
export class Load {
  #child: ChildProcess;
  #answers: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];

  /** Every id of this load begins so. */
  readonly name: string;
  /** How many WebSockets and streams it holds open. */
  readonly lasting: number;

  constructor(child: ChildProcess, plan: Plan) {
    this.#child = child;
    this.name = `load-${child.pid ?? 0}-${Date.now()}`;
    this.lasting = (plan.kinds.websocket?.clients ?? 0) + (plan.kinds.stream?.clients ?? 0);
    child.on("message", (reply: Reply) => {
      const next = this.#answers.shift();
      if (reply.type === "error") next?.reject(new Error(`load: ${reply.message}`));
      else next?.resolve(reply);
    });
    child.on("exit", (code, signal) => {
      const error = new Error(`the load process ended by itself: ${signal ?? `exit ${code ?? "unknown"}`}`);
      for (const waiting of this.#answers.splice(0)) waiting.reject(error);
    });
  }

  #ask(command: Command): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
      this.#child.send(command, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  async #askReport(command: Command): Promise<Report> {
    const reply = await this.#ask(command);
    if (reply.type !== "report") throw new Error(`load: asked for a report, got ${reply.type}`);
    return reply.report;
  }

  async start(plan: Plan): Promise<void> {
    await this.#ask({ type: "start", plan, name: this.name });
  }

  /** From now on only these colours may answer requests; those under way may be answered as before. */
  async expect(...colors: Color[]): Promise<void> {
    await this.#ask({ type: "expect", colors });
  }

  /** Begins `sinceMark` anew. */
  async mark(): Promise<void> {
    await this.#ask({ type: "mark" });
  }

  report(): Promise<Report> {
    return this.#askReport({ type: "report" });
  }

  /** Ids of every write the server said it had kept. */
  async writes(): Promise<readonly string[]> {
    const reply = await this.#ask({ type: "writes" });
    if (reply.type !== "writes") throw new Error(`load: asked for writes, got ${reply.type}`);
    return reply.ids;
  }

  /** Sends nothing more, waits for the answers under way, and reports. `close` ends the process. */
  stop(): Promise<Report> {
    return this.#askReport({ type: "stop" });
  }

  close(): void {
    this.#child.removeAllListeners("exit");
    if (this.#child.connected) this.#child.disconnect();
  }
}

/**
 * Starts a load in a process of its own, behind `prefix` if one is given (another network namespace's loopback).
 * Throws at once unless `plan.url` is on loopback.
 */
export async function startLoad(plan: Plan, prefix: readonly string[] = []): Promise<Load> {
  loopback(plan.url);
  const [execPath = process.execPath, ...execArgv] = prefix.length === 0 ? [] : [...prefix, process.execPath];
  const child = fork(new URL("worker.ts", import.meta.url), {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    execPath,
    execArgv,
  });
  const load = new Load(child, plan);
  await load.start(plan);
  return load;
}
