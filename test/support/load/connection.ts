import net from "node:net";

/** One HTTP answer, as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Reads `http://127.0.0.1:PORT`. Throws for anything but loopback: load goes nowhere else. */
export function loopback(url: string): Target {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "http:" || hostname !== "127.0.0.1" || port === "") {
    throw new Error(`load url: got ${url}; load is sent to loopback only, use http://127.0.0.1:PORT`);
  }
  return { host: hostname, port: Number(port) };
}

/**
 * One keep-alive HTTP/1.1 connection over a plain socket: nothing beneath it that could send a request again.
 * A connection closed while a request is on it rejects that request; closed while idle, it is only `dead`.
 */
export class Connection {
  dead = false;
  closedIdle = false;
  #socket: net.Socket;
  #data: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #timer: NodeJS.Timeout;
  #used = false;

  constructor(target: Target, timeoutMs: number) {
    this.#socket = net.connect({ ...target, noDelay: true });
    this.#socket.on("data", (chunk) => {
      this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
      this.#parse(false);
    });
    this.#socket.on("end", () => {
      this.#parse(true);
      this.#fail("closed before the whole answer");
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#fail(`${error.syscall ?? "socket"} ${error.code ?? error.message}`);
    });
    this.#socket.on("close", () => {
      this.#fail("closed before the whole answer");
    });
    this.#timer = setTimeout(() => {
      this.#fail(`no answer in ${timeoutMs} ms`);
    }, timeoutMs);
  }

  request(text: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.dead) {
        reject(new Error("used a dead connection"));
        return;
      }
      this.#waiting = { resolve, reject };
      if (this.#used) this.#timer.refresh();
      this.#used = true;
      this.#socket.write(text);
    });
  }

  close(): void {
    this.dead = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  #fail(reason: string): void {
    const waiting = this.#waiting;
    if (waiting === undefined && !this.dead && this.#used) this.closedIdle = true;
    this.close();
    this.#waiting = undefined;
    waiting?.reject(new Error(reason));
  }

  #parse(ended: boolean): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const parsed = parseAnswer(this.#data, ended);
    if (parsed === undefined) return;
    this.#data = this.#data.subarray(parsed.length);
    this.#waiting = undefined;
    if (parsed.answer.headers.get("connection")?.toLowerCase() === "close" || ended) this.close();
    waiting.resolve(parsed.answer);
  }
}

/** One whole answer from the front of `data`, and its length; undefined while more must come. */
export function parseAnswer(data: Buffer, ended: boolean): { answer: Answer; length: number } | undefined {
  const head = parseHead(data);
  if (head === undefined) return undefined;
  const { status, headers, length } = head;
  if (status === 204 || status === 304) return { answer: { status, headers, body: "" }, length };
  const size = headers.get("content-length");
  if (size !== undefined) {
    const end = length + Number(size);
    if (data.length < end) return undefined;
    return { answer: { status, headers, body: data.toString("utf8", length, end) }, length: end };
  }
  if (headers.get("transfer-encoding") === "chunked") {
    const chunks = parseChunks(data, length);
    if (chunks === undefined) return undefined;
    return { answer: { status, headers, body: chunks.body }, length: chunks.end };
  }
  if (!ended) return undefined;
  return { answer: { status, headers, body: data.toString("utf8", length) }, length: data.length };
}

export interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly length: number;
}

export function parseHead(data: Buffer): Head | undefined {
  const end = data.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = data.toString("latin1", 0, end).split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(first.slice(9, 12)), headers, length: end + 4 };
}

function parseChunks(data: Buffer, from: number): { body: string; end: number } | undefined {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = data.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(data.toString("latin1", at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (data.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(parts).toString("utf8"), end: next };
    parts.push(data.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}
