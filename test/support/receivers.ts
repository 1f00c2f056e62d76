import { readFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import net from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { runOk } from "./process.ts";

export interface Received {
  readonly path: string;
  readonly type: string | undefined;
  readonly body: unknown;
}

interface Receiver {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0;

/** Takes what is posted to it; `answers` are its statuses, one after the other, the last for all that follow. */
export async function httpReceiver(
  ...answers: readonly number[]
): Promise<Receiver & { readonly url: string; readonly received: readonly Received[] }> {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    void text(request).then((body) => {
      const status = answers[received.length] ?? answers.at(-1) ?? 200;
      received.push({
        path: request.url ?? "",
        type: request.headers["content-type"],
        body: JSON.parse(body),
      });
      // As Slack answers an address that it does not know: with words that are nobody's business.
      response.writeHead(status, { location: "/elsewhere" }).end(`no such hook: ${request.url ?? ""}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server.address());
  return {
    ...{ received, port, url: `http://127.0.0.1:${port}` },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Takes a connection and never says a word. */
export async function silentReceiver(): Promise<Receiver> {
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server.address()),
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string | undefined;
  /** Headers and text, as they came. */
  readonly message: string;
}

/** A certificate for 127.0.0.1, made for this test in `folder`. */
export async function certificate(
  folder: string,
): Promise<{ readonly key: Buffer; readonly cert: Buffer; readonly file: string }> {
  const [key, cert] = [path.join(folder, "mail.key"), path.join(folder, "mail.crt")];
  const what = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1"];
  await runOk("openssl", ["req", "-x509", ...what, ...name, "-keyout", key, "-out", cert]);
  return { key: await readFile(key), cert: await readFile(cert), file: cert };
}

/** A real SMTP server that wants STARTTLS (or speaks TLS from the start) and a login. */
export async function mailReceiver(
  login: { readonly username: string; readonly password: string },
  { key, cert }: { readonly key: Buffer; readonly cert: Buffer },
  tls: "starttls" | "implicit" = "starttls",
): Promise<Receiver & { readonly mails: readonly Mail[] }> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    ...{ key, cert, secure: tls === "implicit", authMethods: ["PLAIN"], logger: false },
    onAuth: ({ username, password }, _session, answer) => {
      const known = username === login.username && password === login.password;
      answer(known ? null : new Error(`${String(password)} is wrong`), { user: username });
    },
    onData: (stream, { envelope, secure, ...session }, done) => {
      const user: unknown = session.user;
      void text(stream).then((message) => {
        mails.push({
          from: envelope.mailFrom === false ? "" : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          ...{ secure, message, user: typeof user === "string" ? user : undefined },
        });
        done();
      });
    },
  });
  // A client that goes away in the middle is its own affair.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    mails,
    port: portOf(server.server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
}

/** The receivers of one test: `kept` is opened by it, `close` closes them all after it. */
export function receiversOfOneTest(): {
  readonly kept: <R extends Receiver>(receiver: R) => R;
  readonly close: () => Promise<void>;
} {
  const open: Receiver[] = [];
  return {
    kept: (receiver) => {
      open.push(receiver);
      return receiver;
    },
    close: async () => {
      await Promise.all(open.splice(0).map(({ close }) => close()));
    },
  };
}
