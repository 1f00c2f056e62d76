import type { Answers, Color, Cut, Failure, Kind, KindReport, Lasting, Report } from "./types.ts";
import { nowMs, quickKinds } from "./types.ts";

/** Latency in buckets 2 % apart: p50 and p99 of a million answers in a few kilobytes. */
class Histogram {
  #buckets = new Map<number, number>();
  #count = 0;

  add(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(ms, 0.001)) / Math.log(1.02));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
  }

  /** The value that `share` (0 to 1) of all answers did not exceed; 0 without answers. */
  at(share: number): number {
    let left = share * this.#count;
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.round(1.02 ** bucket * 100) / 100;
    }
    return 0;
  }
}

interface KindCounts {
  requests: number;
  failed: number;
  readonly latency: Histogram;
}

function addAnswer(to: Map<string, Answers>, color: string, atMs: number): void {
  const seen = to.get(color);
  if (seen === undefined) {
    to.set(color, { count: 1, firstMs: atMs, lastMs: atMs });
    return;
  }
  seen.count++;
  seen.lastMs = atMs;
}

/** Everything the generator saw. Counts each request once: `began`, then `answered` or `failed`. */
export class Tally {
  readonly writes: string[] = [];
  closedIdle = 0;
  #startedMs = nowMs();
  #startedCpu = process.cpuUsage();
  #kinds = new Map<Kind, KindCounts>();
  #byColor = new Map<string, Answers>();
  #sinceMark = new Map<string, Answers>();
  #errors = new Map<string, number>();
  #failures: Failure[] = [];
  #cuts: Cut[] = [];
  #lasting = new Map<Kind, { opened: number; open: number; messages: number }>();

  #kind(kind: Kind): KindCounts {
    let counts = this.#kinds.get(kind);
    if (counts === undefined) {
      counts = { requests: 0, failed: 0, latency: new Histogram() };
      this.#kinds.set(kind, counts);
    }
    return counts;
  }

  began(kind: Kind): void {
    this.#kind(kind).requests++;
  }

  answered(kind: Kind, color: string, sentMs: number): void {
    const atMs = nowMs();
    this.#kind(kind).latency.add(atMs - sentMs);
    addAnswer(this.#byColor, color, atMs);
    if (quickKinds.includes(kind)) addAnswer(this.#sinceMark, color, atMs);
  }

  failed(kind: Kind, id: string, error: string): void {
    this.#kind(kind).failed++;
    this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1);
    if (this.#failures.length < 20) this.#failures.push({ at: new Date().toISOString(), kind, id, error });
  }

  mark(): void {
    this.#sinceMark.clear();
  }

  #last(kind: Kind): { opened: number; open: number; messages: number } {
    let counts = this.#lasting.get(kind);
    if (counts === undefined) {
      counts = { opened: 0, open: 0, messages: 0 };
      this.#lasting.set(kind, counts);
    }
    return counts;
  }

  opened(kind: Kind): void {
    this.#last(kind).opened++;
    this.#last(kind).open++;
  }

  message(kind: Kind): void {
    this.#last(kind).messages++;
  }

  cut(kind: Kind, color: Color | undefined, openedMs: number, why: string): void {
    this.#last(kind).open--;
    this.#cuts.push({ kind, color, openedMs, cutMs: nowMs(), why });
  }

  #lastingReport(kind: Kind): Lasting {
    return { ...this.#last(kind), cut: this.#cuts.filter((cut) => cut.kind === kind).length };
  }

  report(): Report {
    const perKind: Partial<Record<Kind, KindReport>> = {};
    let requests = 0;
    let failed = 0;
    const cpu = process.cpuUsage(this.#startedCpu);
    for (const [kind, counts] of this.#kinds) {
      requests += counts.requests;
      failed += counts.failed;
      const { latency } = counts;
      perKind[kind] = {
        requests: counts.requests,
        failed: counts.failed,
        p50Ms: latency.at(0.5),
        p99Ms: latency.at(0.99),
      };
    }
    return {
      requests,
      failed,
      byColor: Object.fromEntries(this.#byColor),
      sinceMark: Object.fromEntries(this.#sinceMark),
      perKind,
      errors: Object.fromEntries(this.#errors),
      failures: this.#failures,
      websockets: this.#lastingReport("websocket"),
      streams: this.#lastingReport("stream"),
      cuts: this.#cuts,
      closedIdle: this.closedIdle,
      seconds: (nowMs() - this.#startedMs) / 1000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
    };
  }
}
