import http from "node:http";
import type { Socket } from "node:net";
import { createHash } from "node:crypto";
import { once } from "node:events";

import { readFrames, serverFrame } from "../../support/load/frames.ts";

/** What a test's own server does wrong; nothing by default. `n` counts requests from 1. */
export interface Faults {
  readonly reset?: (n: number) => boolean;
  /** Takes the request and closes the connection without a word. */
  readonly close?: (n: number) => boolean;
  /** Closes the idle connection after the answer, without having said so. */
  readonly closeAfter?: (n: number) => boolean;
  readonly status?: (n: number) => number;
  readonly bodyColor?: (n: number) => string;
  readonly appColor?: (n: number) => string;
  readonly color?: (n: number) => string;
  readonly truncate?: (n: number) => boolean;
  readonly delayMs?: number;
}

export interface Backend {
  readonly url: string;
  /** `X-Request-Id` of every request that came, in order: an id seen twice was retried. */
  readonly ids: string[];
  /** Connections that carry a WebSocket or a stream. */
  readonly lasting: Set<Socket>;
  /** Event streams under way. */
  readonly streams: Set<http.ServerResponse>;
  /** Connections opened so far. */
  connections: number;
  close: () => Promise<void>;
}

function acceptKey(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A server on loopback that answers as the sample does, with the faults asked for. */
export async function startBackend(faults: Faults = {}): Promise<Backend> {
  const ids: string[] = [];
  const lasting = new Set<Socket>();
  const streams = new Set<http.ServerResponse>();
  const server = http.createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      ids.push(String(request.headers["x-request-id"]));
      const n = ids.length;
      const color = faults.color?.(n) ?? "blue";
      if (faults.reset?.(n) === true) {
        request.socket.resetAndDestroy();
        return;
      }
      if (faults.close?.(n) === true) {
        request.socket.destroy();
        return;
      }
      const headers = { "X-Color": color, "X-Release": "1", "X-App-Color": faults.appColor?.(n) ?? color };
      if (request.url?.startsWith("/events") === true) {
        lasting.add(request.socket);
        response.writeHead(200, { ...headers, "Content-Type": "text/event-stream" });
        response.write("data: 1\n\n");
        streams.add(response);
        return;
      }
      const body = JSON.stringify({ color: faults.bodyColor?.(n) ?? color, release: "1" });
      const answer = (): void => {
        response.writeHead(faults.status?.(n) ?? 200, { ...headers, "Content-Type": "application/json" });
        if (faults.truncate?.(n) === true) {
          response.write(body.slice(0, 5), () => request.socket.destroy());
          return;
        }
        response.end(body);
        // In the same turn: on a busy machine the next request could come before another one.
        if (faults.closeAfter?.(n) === true) request.socket.end();
      };
      if (faults.delayMs === undefined) answer();
      else setTimeout(answer, faults.delayMs);
    });
  });
  server.on("upgrade", (request: http.IncomingMessage, socket: Socket) => {
    lasting.add(socket);
    const accept = acceptKey(request.headers["sec-websocket-key"] ?? "");
    const lines = [
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${accept}`,
      "X-Color: blue",
    ];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
    socket.on("data", (data) => {
      for (const frame of readFrames(data).frames) {
        if (frame.opcode === 1) socket.write(serverFrame(1, frame.payload));
      }
    });
    socket.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  const { port } = address;
  const backend: Backend = {
    url: `http://127.0.0.1:${port}`,
    ids,
    lasting,
    streams,
    connections: 0,
    close: async () => {
      server.close();
      server.closeAllConnections();
      for (const socket of lasting) socket.destroy();
      await once(server, "close");
    },
  };
  server.on("connection", () => backend.connections++);
  return backend;
}
