import assert from "node:assert/strict";
import type { Channel } from "../../../components/config/messages-schema.ts";
import { type About, type Message, details, headline } from "../../../components/messages/message.ts";
import { render } from "../../../components/messages/render.ts";
import { at } from "../../support/json.ts";

const ABOUT: About & Pick<Message, "at" | "milliseconds"> = {
  ...{ project: "bluegreen", stack: "prod", command: "deploy", by: "Anna" },
  ...{ release: "42", color: "green", at: "2026-01-02T03:04:05.000Z", milliseconds: 12_345 },
};
const STARTED: Message = { ...ABOUT, event: "started" };
const LIVE: Message = { ...ABOUT, event: "live" };
const FAILED = { ...ABOUT, event: "failed", reason: "no <health> & so on\nblue serves" } as const;
const ALL: readonly Message[] = [
  STARTED,
  { ...ABOUT, event: "waiting" },
  { ...ABOUT, event: "canary", percent: 10 },
  LIVE,
  { ...ABOUT, event: "rolled back", command: "rollback" },
  FAILED,
  { ...ABOUT, event: "taken back", reason: "5 % of 200 requests failed" },
  { ...ABOUT, event: "test" },
];

const SLACK: Channel = { kind: "slack", url: "https://hooks.slack.com/secret" };
const WEBHOOK: Channel = { kind: "webhook", url: "https://example.com/secret" };
const PAGERDUTY: Channel = {
  kind: "pagerduty",
  routingKey: "0123456789abcdef0123456789abcdef",
  address: "https://events.eu.pagerduty.com",
};
const EMAIL: Channel = {
  ...{ kind: "email", server: "smtp.example.com", port: 587, tls: "starttls" },
  ...{ login: { username: "deploy", password: "secret" }, from: "a@example.com", to: ["b@example.com"] },
};

describe("a message", () => {
  it("says in one line what happened where", () => {
    assert.deepEqual(ALL.map(headline), [
      "prod: deploy of release 42 onto green begins",
      "prod: release 42 waits on green, no visitor sees it",
      "prod: 10 % of visitors to release 42 on green",
      "prod: release 42 is live on green",
      "prod: rolled back, release 42 is live on green",
      "prod: deploy of release 42 failed",
      "prod: release 42 was taken back from green",
      "prod: a test, nothing happened; release 42 is live on green",
    ]);
  });

  it("says who, what, how long and why, the reason not without end", () => {
    assert.deepEqual(details(LIVE), { who: "Anna", what: "deploy", took: "12.3 s" });
    assert.equal(details({ ...FAILED, reason: "x".repeat(5000) })["reason"]?.length, 1000);
  });

  it("is Slack's text, in which nothing is markup that came from outside", () => {
    assert.deepEqual(render(SLACK, { ...FAILED, by: "<!channel>" }), [
      {
        kind: "post",
        url: "https://hooks.slack.com/secret",
        body: {
          text: "*prod: deploy of release 42 failed*\nwho: &lt;!channel&gt;\nwhat: deploy\ntook: 12.3 s\nreason: no &lt;health&gt; &amp; so on\nblue serves",
        },
      },
    ]);
  });

  it("is a mail with a subject of one line", () => {
    const [mail] = render(EMAIL, LIVE);
    assert.deepEqual(mail, {
      kind: "mail",
      through: EMAIL,
      subject: "prod: release 42 is live on green",
      text: "prod: release 42 is live on green\n\nwho: Anna\nwhat: deploy\ntook: 12.3 s\n",
    });
  });

  it("is plain JSON for a webhook", () => {
    const [post] = render(WEBHOOK, FAILED);
    assert.deepEqual(at(post, "body"), { ...FAILED, text: "prod: deploy of release 42 failed" });
  });

  const pagerDuty = (message: Message) =>
    render(PAGERDUTY, message).map((post) => [at(post, "url"), at(post, "body", "event_action")]);
  const CHANGE = ["https://events.eu.pagerduty.com/v2/change/enqueue", undefined];
  const ALERT = "https://events.eu.pagerduty.com/v2/enqueue";

  it("calls PagerDuty's people only for what went wrong, and tells them when it is over", () => {
    assert.deepEqual(ALL.map(pagerDuty), [
      [CHANGE],
      [CHANGE],
      [CHANGE],
      [CHANGE, [ALERT, "resolve"]],
      [CHANGE, [ALERT, "resolve"]],
      [[ALERT, "trigger"]],
      [[ALERT, "trigger"]],
      [CHANGE],
    ]);
    assert.deepEqual(at(render(PAGERDUTY, FAILED), "0", "body"), {
      routing_key: "0123456789abcdef0123456789abcdef",
      dedup_key: "bluegreen/bluegreen/prod",
      event_action: "trigger",
      payload: {
        summary: "prod: deploy of release 42 failed",
        source: "bluegreen/prod",
        timestamp: "2026-01-02T03:04:05.000Z",
        severity: "error",
        custom_details: {
          ...{ who: "Anna", what: "deploy", took: "12.3 s" },
          reason: "no <health> & so on\nblue serves",
        },
      },
    });
  });

  it("holds no secret but where PagerDuty looks for it", () => {
    for (const message of ALL)
      for (const channel of [SLACK, WEBHOOK, EMAIL])
        for (const one of render(channel, message)) {
          const said = one.kind === "post" ? JSON.stringify(one.body) : one.subject + one.text;
          assert.doesNotMatch(said, /secret/);
        }
  });
});
