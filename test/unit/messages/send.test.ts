import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import type { Channel } from "../../../components/config/messages-schema.ts";
import type { Message } from "../../../components/messages/message.ts";
import { render } from "../../../components/messages/render.ts";
import { send } from "../../../components/messages/send.ts";
import { at } from "../../support/json.ts";
import {
  certificate,
  httpReceiver,
  mailReceiver,
  receiversOfOneTest,
  silentReceiver,
} from "../../support/receivers.ts";

declare module "node:tls" {
  /** Of Node 24.5; the types are of 24.0. */
  export function setDefaultCACertificates(certificates: readonly string[]): void;
  export function getCACertificates(): string[];
}

const MESSAGE: Message = {
  ...{ project: "bluegreen", stack: "dev", command: "deploy", by: "Anna" },
  ...{ release: "42", color: "green", at: "2026-01-02T03:04:05.000Z", event: "failed", reason: "why" },
};
const QUICK = { tryMs: 200, pauseMs: 10, allMs: 1000 };
const KEY = "0123456789abcdef0123456789abcdef";
const LOGIN = { username: "deploy", password: "hunter2" };

const delivered = (channel: Channel, patience = QUICK): Promise<(string | undefined)[]> =>
  Promise.all(render(channel, MESSAGE).map((one) => send(one, patience)));

describe("sending a message", () => {
  const { kept, close } = receiversOfOneTest();
  afterEach(close);

  it("posts to Slack, PagerDuty and a webhook what they ask for", async () => {
    const { url, received } = kept(await httpReceiver(200));
    for (const channel of [
      { kind: "slack", url: `${url}/services/T/B/x` },
      { kind: "pagerduty", routingKey: KEY, address: url },
      { kind: "webhook", url: `${url}/hook` },
    ] as const)
      assert.deepEqual(await delivered(channel), [undefined]);
    assert.deepEqual(
      received.map(({ path, type }) => [path, type]),
      ["/services/T/B/x", "/v2/enqueue", "/hook"].map((path) => [path, "application/json"]),
    );
    const [slack, pagerDuty, webhook] = received.map(({ body }) => body);
    assert.match(String(at(slack, "text")), /^\*dev: deploy of release 42 failed\*$/m);
    assert.deepEqual([at(pagerDuty, "routing_key"), at(pagerDuty, "event_action")], [KEY, "trigger"]);
    assert.deepEqual([at(webhook, "event"), at(webhook, "reason")], ["failed", "why"]);
  });

  it("tries once more what may be different in a moment, and only that", async () => {
    for (const [answers, reason, tries] of [
      [[500, 200], undefined, 2],
      [[429, 200], undefined, 2],
      [[500], "HTTP 500", 2],
      [[404], "HTTP 404", 1],
      // Where it leads to would be asked without the message.
      [[302], "HTTP 302", 1],
    ] as const) {
      const { url, received } = kept(await httpReceiver(...answers));
      assert.deepEqual(await delivered({ kind: "slack", url }), [reason]);
      assert.equal(received.length, tries, answers.join());
    }
  });

  it("gives up on whoever never answers, and on whoever is not there, without a word of the address", async () => {
    const { port, close } = await silentReceiver();
    const hook: Channel = { kind: "webhook", url: `http://127.0.0.1:${port}/hunter2` };
    assert.deepEqual(await delivered(hook), ["no answer within 0.2 s"]);
    assert.deepEqual(await delivered(hook, { ...QUICK, tryMs: 900 }), ["no answer within 1 s"]);
    await close();
    assert.deepEqual(await delivered(hook), ["ECONNREFUSED"]);
    const nowhere: Channel = { kind: "webhook", url: "https://hunter2.invalid/" };
    assert.match((await delivered(nowhere)).join(), /^(ENOTFOUND|EAI_AGAIN)$/);
  });

  describe("by mail", () => {
    let folder: string;
    let pair: Awaited<ReturnType<typeof certificate>>;
    const before_ = tls.getCACertificates();
    before(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), "bluegreen-mail-"));
      pair = await certificate(folder);
      tls.setDefaultCACertificates([...before_, pair.cert.toString()]);
    });
    after(async () => {
      tls.setDefaultCACertificates(before_);
      await rm(folder, { recursive: true });
    });
    const through = (port: number, more: Partial<Extract<Channel, { kind: "email" }>> = {}): Channel => ({
      ...{ kind: "email", server: "127.0.0.1", port, tls: "starttls", login: LOGIN },
      ...{ from: "deploy@example.com", to: ["ops@example.com", "dev@example.com"] },
      ...more,
    });
    const patient = { tryMs: 3000, pauseMs: 10, allMs: 8000 };

    it("logs in over TLS, either way, and brings subject and text", async () => {
      for (const way of ["starttls", "implicit"] as const) {
        const { port, mails } = kept(await mailReceiver(LOGIN, pair, way));
        assert.deepEqual(await delivered(through(port, { tls: way }), patient), [undefined]);
        const [mail] = mails;
        assert.deepEqual([mail?.from, mail?.secure, mail?.user], ["deploy@example.com", true, "deploy"]);
        assert.deepEqual(mail?.to, ["ops@example.com", "dev@example.com"]);
        assert.match(mail.message, /^Subject: dev: deploy of release 42 failed\r?$/m);
        assert.match(mail.message, /^reason: why\r?$/m);
      }
    });

    it("is refused a wrong login at once, without a word of it", async () => {
      const { port } = kept(await mailReceiver({ ...LOGIN, password: "another" }, pair));
      assert.deepEqual(await delivered(through(port), patient), ["EAUTH, SMTP 535"]);
    });

    it("says nothing to a server whose certificate nobody knows", async () => {
      tls.setDefaultCACertificates(before_);
      const { port, mails } = kept(await mailReceiver(LOGIN, pair));
      const [reason] = await delivered(through(port), patient);
      tls.setDefaultCACertificates([...before_, pair.cert.toString()]);
      assert.match(reason ?? "", /^(ESOCKET|ETLS|DEPTH_ZERO_SELF_SIGNED_CERT)$/);
      assert.equal(mails.length, 0);
    });

    it("gives up on a server that never says a word, and on none", async () => {
      const { port, close } = await silentReceiver();
      assert.match((await delivered(through(port))).join(), /^ETIMEDOUT$/);
      await close();
      assert.match((await delivered(through(port))).join(), /^(ESOCKET|ECONNECTION|ECONNREFUSED)$/);
    });
  });
});
