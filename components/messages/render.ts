import type { Channel } from "../config/messages-schema.ts";
import { type Message, details, headline } from "./message.ts";

/** What one channel is sent for one message. */
export type Delivery =
  | { readonly kind: "post"; readonly url: string; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly kind: "mail";
      readonly through: Extract<Channel, { kind: "email" }>;
      readonly subject: string;
      readonly text: string;
    };

export function render(channel: Channel, message: Message): readonly Delivery[] {
  switch (channel.kind) {
    case "slack":
      return [{ kind: "post", url: channel.url, body: { text: slackText(message) } }];
    case "webhook":
      return [{ kind: "post", url: channel.url, body: { ...message, text: headline(message) } }];
    case "pagerduty":
      return pagerDuty(channel, message);
    case "email":
      return [{ kind: "mail", through: channel, subject: headline(message), text: plainText(message) }];
  }
}

function plainText(message: Message): string {
  const lines = Object.entries(details(message)).map(([name, value]) => `${name}: ${value}`);
  return `${[headline(message), "", ...lines].join("\n")}\n`;
}

function slackText(message: Message): string {
  const lines = Object.entries(details(message)).map(([name, value]) => `${name}: ${slackEscaped(value)}`);
  return [`*${slackEscaped(headline(message))}*`, ...lines].join("\n");
}

/** These three are Slack's markup, which could call a whole channel. */
function slackEscaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The longest summary that PagerDuty takes. */
const LONGEST_SUMMARY = 1024;

/**
 * What went wrong opens the stack's alert, which calls whoever is on duty; a release that is live closes it. All else is a
 * change event, which PagerDuty shows beside an incident and calls nobody for.
 */
function pagerDuty(
  { address, routingKey }: Extract<Channel, { kind: "pagerduty" }>,
  message: Message,
): readonly Delivery[] {
  const { project, stack, at } = message;
  const payload = {
    summary: headline(message).slice(0, LONGEST_SUMMARY),
    source: `${project}/${stack}`,
    timestamp: at,
    custom_details: details(message),
  };
  const post = (path: string, body: Readonly<Record<string, unknown>>): Delivery => ({
    kind: "post",
    url: new URL(path, address).href,
    body: { routing_key: routingKey, ...body },
  });
  const change = post("/v2/change/enqueue", { payload });
  const alert = { dedup_key: `bluegreen/${project}/${stack}` };
  switch (message.event) {
    case "started":
    case "waiting":
    case "canary":
    case "test":
      return [change];
    case "live":
    case "rolled back":
      return [change, post("/v2/enqueue", { ...alert, event_action: "resolve" })];
    case "failed":
    case "taken back":
      return [
        post("/v2/enqueue", {
          ...alert,
          event_action: "trigger",
          payload: { ...payload, severity: "error" },
        }),
      ];
  }
}
