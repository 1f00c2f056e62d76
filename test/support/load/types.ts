/** What the load generator is told, and what it reports. Plain JSON: it crosses a process boundary. */

export type Color = "blue" | "green";

/** How a client behaves. None of them ever sends a request twice. */
export type Kind = "get" | "post" | "fresh" | "slow" | "websocket" | "stream";

/** Requests of these kinds are answered at once, so their times show when a colour began and ended. */
export const quickKinds: readonly Kind[] = ["get", "post", "fresh"];

export interface Clients {
  /** How many clients of this kind run side by side; each has one request in flight. */
  readonly clients: number;
  /** Pause between an answer and the next request, milliseconds. Default 0: as fast as answers come. */
  readonly pauseMs?: number;
  /** Path asked for. Default: see `defaultPath`. */
  readonly path?: string;
}

export const defaultPath: Readonly<Record<Kind, string>> = {
  get: "/version",
  post: "/items",
  fresh: "/version",
  slow: "/slow?ms=500",
  websocket: "/ws",
  stream: "/events",
};

export interface Plan {
  /** `http://127.0.0.1:PORT`. Anything that is not loopback is refused. */
  readonly url: string;
  readonly kinds: Readonly<Partial<Record<Kind, Clients>>>;
  /** A request without an answer for this long is a failure. Default 10,000 ms. */
  readonly timeoutMs?: number;
  /** Colours that may answer from the start; absent: either. */
  readonly expect?: readonly Color[];
  /** Whether the backend says its colour (`X-Color`, `X-Release`). Default true: an answer without them is a failure. */
  readonly colored?: boolean;
}

export interface Failure {
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly kind: Kind;
  /** Sent as `X-Request-Id`, so that the gateway's log can be asked about it. */
  readonly id: string;
  readonly error: string;
}

/** Times are milliseconds of the machine's monotonic clock (`nowMs`), comparable between processes. */
export interface Answers {
  count: number;
  firstMs: number;
  lastMs: number;
}

export interface KindReport {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A WebSocket or stream that ended although nobody on this side ended it. */
export interface Cut {
  readonly kind: Kind;
  readonly color: Color | undefined;
  readonly openedMs: number;
  readonly cutMs: number;
  readonly why: string;
}

export interface Lasting {
  readonly opened: number;
  readonly open: number;
  readonly cut: number;
  readonly messages: number;
}

export interface Report {
  readonly requests: number;
  readonly failed: number;
  readonly byColor: Readonly<Record<string, Answers>>;
  /** Quick answers per colour since the last `mark`. */
  readonly sinceMark: Readonly<Record<string, Answers>>;
  readonly perKind: Readonly<Partial<Record<Kind, KindReport>>>;
  /** Failures by error text, all of them. */
  readonly errors: Readonly<Record<string, number>>;
  /** The first 20. */
  readonly failures: readonly Failure[];
  readonly websockets: Lasting;
  readonly streams: Lasting;
  readonly cuts: readonly Cut[];
  /** Keep-alive connections the server closed while no request was on them: allowed, but worth seeing. */
  readonly closedIdle: number;
  readonly seconds: number;
  /** Processor time the generator itself used. */
  readonly cpuSeconds: number;
}

export type Command =
  | { readonly type: "start"; readonly plan: Plan; readonly name: string }
  | { readonly type: "expect"; readonly colors: readonly Color[] }
  | { readonly type: "mark" }
  | { readonly type: "report" }
  | { readonly type: "writes" }
  | { readonly type: "stop" };

export type Reply =
  | { readonly type: "done"; readonly nowMs: number }
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "writes"; readonly ids: readonly string[] }
  | { readonly type: "error"; readonly message: string };

/** Milliseconds of the monotonic clock; on Linux the same clock in every process. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
