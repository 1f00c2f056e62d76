import type { Stack } from "./stack.ts";

/** What was asked of the sample's `POST /jobs`, and what of it was promised. */
export interface Enqueued {
  /** Of the jobs that were answered with 202. */
  readonly promised: readonly string[];
  readonly failures: readonly string[];
}

/** How the sample's worker and beat are run; the beat's time between two ticks is the stack's setting. */
export function jobsConfig(beatSeconds: number) {
  const quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"];
  return {
    worker: { command: ["celery", "-A", "app.worker", "worker", "--concurrency=1", ...quiet] },
    beat: { command: ["celery", "-A", "app.worker", "beat", "--schedule", "/run/bluegreen/beat/schedule"] },
    environment: { BEAT_SECONDS: String(beatSeconds) },
  };
}

/** Goes on enqueueing, `count` jobs at a time, until it is stopped. */
export class Enqueuer {
  readonly #stack: Stack;
  readonly #prefix: string;
  readonly #promised: string[] = [];
  readonly #failures: string[] = [];
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(stack: Stack, prefix: string, count = 10, pauseMs = 100) {
    this.#stack = stack;
    this.#prefix = prefix;
    this.#done = this.#run(count, pauseMs);
  }

  async #run(count: number, pauseMs: number): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const prefix = `${this.#prefix}-${i}`;
      const failure = await enqueue(this.#stack, prefix, count).catch(String);
      if (failure === undefined)
        this.#promised.push(...Array.from({ length: count }, (_, number) => `${prefix}-${number}`));
      else this.#failures.push(failure);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async stop(): Promise<Enqueued> {
    this.#stopped = true;
    await this.#done;
    return { promised: this.#promised, failures: this.#failures };
  }
}

/** Asks for jobs; what went wrong, or nothing. */
export async function enqueue(
  stack: Stack,
  prefix: string,
  count: number,
  milliseconds = 0,
): Promise<string | undefined> {
  const answer = await fetch(`${stack.url}/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prefix, count, milliseconds }),
    signal: AbortSignal.timeout(20_000),
  });
  const body = await answer.text();
  return answer.status === 202 ? undefined : `${answer.status}: ${body}`;
}

/** The rows that a query finds in the stack's database, as lists of texts. */
export async function rows(stack: Stack, query: string): Promise<readonly (readonly string[])[]> {
  const connect = ["psql", "-U", "app", "-d", "app", "-AtF", " ", "-c", query];
  const text = await stack.docker("exec", stack.container("postgres"), ...connect);
  return text === "" ? [] : text.split("\n").map((line) => line.split(" "));
}
