import { randomBytes } from "node:crypto";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import type { Run } from "./clients.ts";
import { colorOf } from "./clients.ts";
import { parseHead } from "./connection.ts";
import { clientFrame, readFrames } from "./frames.ts";
import type { Clients, Color } from "./types.ts";
import { defaultPath, nowMs } from "./types.ts";

type LastingKind = "websocket" | "stream";

/** How often a client speaks on its WebSocket, so that both ways are seen to work. */
const speakMs = 1000;

function openingText(run: Run, kind: LastingKind, path: string, id: string): string {
  const common = `GET ${path} HTTP/1.1\r\nHost: ${run.target.host}:${run.target.port}\r\nX-Request-Id: ${id}\r\n`;
  if (kind === "stream") return `${common}Accept: text/event-stream\r\n\r\n`;
  const key = randomBytes(16).toString("base64");
  return `${common}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
}

/** Opens one WebSocket or stream and stays on it until it is cut or the run stops. */
function hold(run: Run, kind: LastingKind, path: string, id: string): Promise<void> {
  return new Promise((resolve) => {
    const moment = run.expectation.moment();
    const openedMs = nowMs();
    const socket = net.connect({ ...run.target, noDelay: true });
    let data: Buffer = Buffer.alloc(0);
    let open: { readonly color: Color | undefined } | undefined;
    let why = "closed";
    let tail: Buffer = Buffer.alloc(0);
    run.tally.began(kind);
    const opening = setTimeout(() => {
      why = `not open in ${run.timeoutMs} ms`;
      socket.destroy();
    }, run.timeoutMs);
    const ticking = setInterval(() => {
      if (run.stopped) socket.destroy();
      else if (open !== undefined && kind === "websocket")
        socket.write(clientFrame(1, Buffer.from(`hello ${id}`)));
    }, speakMs);

    function take(chunk: Buffer): void {
      data = Buffer.concat([data, chunk]);
      if (open === undefined) {
        const head = parseHead(data);
        if (head === undefined) return;
        if (head.status !== (kind === "websocket" ? 101 : 200)) {
          why = `status ${head.status}`;
          socket.destroy();
          return;
        }
        const color = colorOf(head.headers);
        if (run.colored && (color === undefined || !run.expectation.since(moment).includes(color))) {
          why = `opened by ${color ?? "no colour"}, expected ${run.expectation.since(moment).join(" or ")}`;
          socket.destroy();
          return;
        }
        clearTimeout(opening);
        open = { color };
        run.tally.opened(kind);
        data = data.subarray(head.length);
      }
      if (kind === "stream") {
        if (data.length > 0) run.tally.message(kind);
        // The last chunk ends the stream; the connection beneath it may well stay open.
        tail = Buffer.concat([tail, data]).subarray(-7);
        if (tail.toString("latin1") === "\r\n0\r\n\r\n") {
          why = "ended by the server";
          socket.destroy();
        }
        data = Buffer.alloc(0);
        return;
      }
      const { frames, rest } = readFrames(data);
      data = rest;
      for (const frame of frames) {
        if (frame.opcode === 1 || frame.opcode === 2) run.tally.message(kind);
        if (frame.opcode === 9) socket.write(clientFrame(10, frame.payload));
        if (frame.opcode === 8) {
          why = `closed by the server with ${frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : "no code"}`;
          socket.end(clientFrame(8, frame.payload));
        }
      }
    }

    socket.on("data", take);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      why = `${error.syscall ?? "socket"} ${error.code ?? error.message}`;
    });
    socket.on("close", () => {
      clearTimeout(opening);
      clearInterval(ticking);
      if (!run.stopped && open === undefined) run.tally.failed(kind, id, why);
      if (!run.stopped && open !== undefined) run.tally.cut(kind, open.color, openedMs, why);
      resolve();
    });
    socket.on("end", () => socket.end());
    socket.write(openingText(run, kind, path, id));
  });
}

/** Keeps `clients` WebSockets or streams open. One that was cut is counted, and after a pause a new one is opened. */
export async function lastingClients(run: Run, kind: LastingKind, clients: Clients): Promise<void> {
  await Promise.all(
    Array.from({ length: clients.clients }, async (_, number) => {
      for (let turn = 0; !run.stopped; turn++) {
        await hold(run, kind, clients.path ?? defaultPath[kind], `${run.name}-${kind}-${number}-${turn}`);
        await sleep(clients.pauseMs ?? 500);
      }
    }),
  );
}
