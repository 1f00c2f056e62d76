import assert from "node:assert/strict";
import type { Channel } from "../../../components/config/messages-schema.ts";
import type { Missed } from "../../../components/messages/tell.ts";
import { openTeller } from "../../../components/messages/teller.ts";
import { at } from "../../support/json.ts";
import { httpReceiver } from "../../support/receivers.ts";

describe("the teller of an update", () => {
  let hook: Awaited<ReturnType<typeof httpReceiver>>;
  const said: string[] = [];
  const missed: Missed[] = [];
  beforeEach(async () => {
    hook = await httpReceiver(200);
    said.length = 0;
    missed.length = 0;
  });
  afterEach(async () => {
    await hook.close();
  });

  const open = (by = Promise.resolve("Anna"), ...channels: readonly Channel[]) =>
    openTeller({
      id: { project: "bluegreen", stack: "dev" },
      about: { release: "42", color: "green" },
      by,
      channels: [{ kind: "webhook", url: `${hook.url}/hunter2` }, ...channels],
      secrets: ["hunter2"],
      warn: (text) => {
        said.push(text);
        return Promise.resolve();
      },
      record: (one) => {
        missed.push(one);
        return Promise.resolve();
      },
    });
  const received = (key: string) => hook.received.map(({ body }) => at(body, key));

  it("tells of beginning and end, who and how long, and waits for both", async () => {
    const teller = open();
    teller.tell({ event: "started" });
    await teller.end({ event: "canary", percent: 10 });
    assert.deepEqual(received("event").sort(), ["canary", "started"]);
    const end = hook.received.map(({ body }) => body).find((body) => at(body, "event") === "canary");
    assert.deepEqual(
      ["stack", "release", "color", "command", "by"].map((key) => at(end, key)),
      ["dev", "42", "green", "up", "Anna"],
    );
    assert.equal(typeof at(end, "milliseconds"), "number");
    assert.deepEqual(said, []);
  });

  it("tells of one end only, and of none where there is no news", async () => {
    const teller = open(Promise.reject(new Error("nobody")));
    await teller.end({ event: "failed", reason: "no" });
    await teller.end({ event: "failed", reason: "because of it" });
    assert.deepEqual(received("reason"), ["no"]);
    assert.deepEqual(received("by"), ["unknown"]);
    await open().end(undefined);
    assert.equal(hook.received.length, 1);
  });

  it("says and writes down whom it did not reach, without a word of the address", async () => {
    const broken = await httpReceiver(403);
    await open(undefined, { kind: "slack", url: `${broken.url}/hunter2` }).end({ event: "live" });
    await broken.close();
    assert.deepEqual(said, ["message not delivered: slack: HTTP 403"]);
    assert.deepEqual(missed, [{ channel: "slack", event: "live", reason: "HTTP 403" }]);
    assert.deepEqual(received("event"), ["live"]);
  });

  it("fails nothing, whatever goes wrong with a message", async () => {
    const impossible = { kind: "pagerduty", routingKey: "hunter2", address: "hunter2" } as const;
    await open(undefined, impossible).end({ event: "live" });
    assert.match(said.join(), /^message not delivered: /);
    assert.doesNotMatch(said.join(), /hunter2/);
  });
});
