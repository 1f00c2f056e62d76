import { isIPv6 } from "node:net";
import { z } from "zod";
import { kindOf, object, oneOf, text, wholeNumber } from "./leaves.ts";

const ADDRESS = "an address that begins with https:// (http:// only to this machine)";

/** Whoever knows such an address can write to the channel: it is a secret, and goes nowhere unencrypted. */
const address = text(/^https?:\/\/\S+$/, ADDRESS).refine(isAllowed, { error: ADDRESS });

function isAllowed(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  // A login in an address is refused by whatever sends: it belongs into a header.
  if (username !== "" || password !== "") return false;
  return protocol === "https:" || hostname === "127.0.0.1" || hostname === "localhost";
}

const SERVER = "a mail server such as smtp.example.com; its port stands in port";

const mailbox = text(/^[^\s@<>",;]+@[^\s@<>",;]+$/, "a mail address such as ops@example.com");

/** Where a release's messages go. */
const channelSchema = z.discriminatedUnion(
  "kind",
  [
    /** A Slack app's incoming webhook. */
    object({ kind: z.literal("slack"), url: address }),
    /** Whatever takes the message as JSON by POST and answers 2xx. */
    object({ kind: z.literal("webhook"), url: address }),
    object({
      kind: z.literal("pagerduty"),
      /** The integration key of a service's Events API v2 integration. */
      routingKey: text(/^[A-Za-z0-9]{32}$/, "an integration key of 32 letters and digits"),
      /** An account in Europe has https://events.eu.pagerduty.com. */
      address: address.default("https://events.pagerduty.com"),
    }),
    object({
      kind: z.literal("email"),
      server: text(/^[A-Za-z0-9.:-]+$/, SERVER).refine((value) => !value.includes(":") || isIPv6(value), {
        error: SERVER,
      }),
      port: wholeNumber(1, 65_535, "a port").default(587),
      /** Either way nothing is sent before the connection is encrypted and the server's certificate was checked. */
      tls: oneOf("starttls", "implicit").default("starttls"),
      login: object({
        username: text(/^\S+$/, "a user name"),
        password: z.string({ error: "a text" }).min(1, { error: "a text of at least one character" }),
      }).optional(),
      from: mailbox,
      to: z
        .array(mailbox, { error: "a list of mail addresses" })
        .min(1, { error: "at least one mail address" }),
    }),
  ],
  { error: `${kindOf} "slack", "email", "pagerduty" or "webhook"` },
);

export const channelsSchema = z.array(channelSchema, { error: "a list of channels" });
export const messagesSchema = channelsSchema.default([]);

export type Channel = z.output<typeof channelSchema>;
