import { randomUUID } from "node:crypto";
import type { Channel } from "../../components/config/messages-schema.ts";
import type { About, Message, News } from "../../components/messages/message.ts";
import { type Delivery, render } from "../../components/messages/render.ts";

/** What stands for what only the host will know (tell.sh). */
const LATER = { reason: "%REASON%", at: "%AT%", date: "%DATE%" };

/** The verdicts that somebody has to hear of. */
const TOLD: Readonly<Record<string, News>> = {
  bad: { event: "taken back", reason: LATER.reason },
  failed: { event: "failed", reason: LATER.reason },
};

/** The lines of a watch's plan by which the host tells the channels of its verdict, should nobody follow it then. They hold secrets. */
export function renderDeliveries(channels: readonly Channel[], about: About): string {
  const lines = Object.entries(TOLD).flatMap(([verdict, news]) => {
    const message: Message = { ...about, ...news, at: LATER.at };
    return channels.flatMap((channel) =>
      render(channel, message).map((delivery) => {
        const { config, body } = curlRequest(delivery);
        return `deliver ${verdict} ${channel.kind} ${base64(config)} ${base64(body)} ${news.event}\n`;
      }),
    );
  });
  return lines.join("");
}

/** A curl configuration, and what curl reads from its standard input. */
export function curlRequest(delivery: Delivery): { readonly config: string; readonly body: string } {
  switch (delivery.kind) {
    case "post":
      return {
        config: lines(
          "globoff",
          `url = ${quoted(delivery.url)}`,
          'header = "content-type: application/json"',
          'data-binary = "@-"',
        ),
        body: JSON.stringify(delivery.body),
      };
    case "mail":
      return mailRequest(delivery);
  }
}

function mailRequest({ through, subject, text }: Extract<Delivery, { kind: "mail" }>): {
  readonly config: string;
  readonly body: string;
} {
  const { server, port, tls, login, from, to } = through;
  const host = server.includes(":") ? `[${server}]` : server;
  const who = login && `${encodeURIComponent(login.username)}:${encodeURIComponent(login.password)}@`;
  const scheme = tls === "implicit" ? "smtps" : "smtp";
  const headers = [
    ...[`From: ${from}`, `To: ${to.join(", ")}`, `Subject: ${subject}`, `Date: ${LATER.date}`],
    `Message-ID: <${randomUUID()}${from.slice(from.indexOf("@"))}>`,
    ...["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"],
  ];
  return {
    config: lines(
      "globoff",
      `url = ${quoted(`${scheme}://${who ?? ""}${host}:${port}`)}`,
      // Either way nothing is said before the connection is encrypted and the certificate was checked.
      "ssl-reqd",
      `mail-from = ${quoted(from)}`,
      ...to.map((one) => `mail-rcpt = ${quoted(one)}`),
      'upload-file = "-"',
    ),
    body: [...headers, "", text].join("\n").replaceAll("\n", "\r\n"),
  };
}

const lines = (...all: readonly string[]): string => all.join("\n");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** As curl reads a text in a configuration. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
