import assert from "node:assert/strict";
import { parseConfig } from "../../../components/config/parse.ts";
import { MINIMAL } from "../../support/fixtures.ts";

const SLACK = { kind: "slack", url: "https://hooks.slack.com/services/T/B/hunter2" };
const PAGERDUTY = { kind: "pagerduty", routingKey: "hunter2hunter2hunter2hunter2hunt" };
const LOGIN = { username: "deploy", password: "hunter2" };
const EMAIL = {
  ...{ kind: "email", server: "smtp.example.com", login: LOGIN },
  ...{ from: "deploy@example.com", to: ["ops@example.com"] },
};
const WEBHOOK = { kind: "webhook", url: "https://example.com/hunter2" };

const parsed = (messages: unknown, secret: boolean) =>
  parseConfig({ ...MINIMAL, messages: JSON.stringify(messages) }, new Set(secret ? ["messages"] : []));

describe("the channels for messages", () => {
  it("are four kinds, with defaults for what most have", () => {
    const { settings, problems } = parsed([SLACK, PAGERDUTY, EMAIL, WEBHOOK], true);
    assert.deepEqual(problems, []);
    assert.deepEqual(settings.messages, [
      SLACK,
      { ...PAGERDUTY, address: "https://events.pagerduty.com" },
      { ...EMAIL, port: 587, tls: "starttls" },
      WEBHOOK,
    ]);
    assert.deepEqual(parseConfig({ ...MINIMAL }).settings.messages, []);
  });

  it("are refused with a plain secret, which is not shown, and with the command that mends it", () => {
    for (const [channel, path] of [
      [SLACK, "url"],
      [WEBHOOK, "url"],
      [PAGERDUTY, "routingKey"],
      [EMAIL, "login.password"],
    ] as const) {
      const { problems } = parsed([channel], false);
      assert.deepEqual(problems, [
        {
          key: `messages[0].${path}`,
          got: "a plain value",
          allowed: "a secret: the file is for everybody's eyes",
          fix: `pulumi config set --secret --path 'messages[0].${path}'`,
        },
      ]);
    }
  });

  it("are refused where nothing would arrive, without what they hold", () => {
    for (const [channel, allowed] of [
      [{ ...SLACK, url: "http://hooks.slack.com/hunter2" }, /begins with https:/],
      [{ ...SLACK, url: "https://[hunter2" }, /begins with https:/],
      [{ ...SLACK, url: "https://anna:hunter2@example.com/x" }, /begins with https:/],
      [{ ...SLACK, url: "http://localhost:80@hunter2.example.com/x" }, /begins with https:/],
      [{ ...PAGERDUTY, routingKey: "hunter2" }, /32 letters and digits/],
      [{ ...EMAIL, server: "smtp.example.com:587" }, /its port stands in port/],
      [{ ...EMAIL, to: [] }, /at least one mail address/],
      [{ ...EMAIL, tls: "none" }, /"starttls" or "implicit"/],
      [{ ...WEBHOOK, kind: "hunter2" }, /whose kind is "slack", "email", "pagerduty" or "webhook"/],
      [{ ...WEBHOOK, hunter2: 1 }, /kind, url/],
    ] as const) {
      const { problems } = parsed([channel], true);
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.match(problems[0]?.allowed ?? "", allowed);
      const { got, fix } = problems[0] ?? {};
      assert.doesNotMatch(`${got} ${fix?.replace("messages[0].hunter2", "")}`, /hunter2/);
    }
  });

  it("take plain HTTP on one's own machine", () => {
    assert.deepEqual(parsed([{ ...WEBHOOK, url: "http://127.0.0.1:9000/x" }], true).problems, []);
  });
});
