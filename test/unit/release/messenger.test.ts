import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type LedgerEntry, parseLedger } from "../../../components/ledger/entry.ts";
import type { KnownHost } from "../../../release/host.ts";
import { announced, openMessenger, refusePlainSecrets } from "../../../release/messages/messenger.ts";
import { Failure, Refusal } from "../../../release/outcome.ts";
import { at } from "../../support/json.ts";
import { until } from "../../support/process.ts";
import { httpReceiver } from "../../support/receivers.ts";

const ABOUT = { command: "deploy", by: "Anna", release: "42", color: "green" } as const;

describe("the messenger", () => {
  let hook: Awaited<ReturnType<typeof httpReceiver>>;
  const said: string[] = [];
  const entries: LedgerEntry[] = [];
  beforeEach(async () => {
    hook = await httpReceiver(200);
    said.length = 0;
    entries.length = 0;
  });
  afterEach(async () => {
    await hook.close();
  });

  /** The stack's channels as the engine decrypts them: a webhook that works, and those given. */
  function open(getConfig?: () => Promise<{ value: string }>, ...more: readonly object[]) {
    return openAt(undefined, getConfig, ...more);
  }

  function openAt(
    ledger: KnownHost["ask"] | undefined,
    getConfig?: () => Promise<{ value: string }>,
    ...more: readonly object[]
  ) {
    const channels = [{ kind: "webhook", url: `${hook.url}/hunter2` }, ...more];
    const values = { messages: channels.map(() => ({ url: { secure: "v1:…" } })) };
    const stack = {
      ...{ project: "bluegreen", name: "dev", config: { path: "", text: "", values } },
      engine: { getConfig: getConfig ?? (() => Promise.resolve({ value: JSON.stringify(channels) })) },
    };
    const host = {
      directory: "/srv",
      ask:
        ledger ??
        ((_: readonly string[], line = "") => {
          entries.push(...parseLedger(line));
          return Promise.resolve("");
        }),
    };
    return openMessenger(stack, ABOUT, { host, warn: (text) => said.push(text) });
  }
  const events = () => hook.received.map(({ body }) => at(body, "event"));

  it("tells that something began and how it ended, with the time between", async () => {
    const result = await announced(
      open(),
      (begins) => {
        begins();
        return Promise.resolve(10);
      },
      (percent) => ({ event: "canary", percent }),
    );
    assert.equal(result, 10);
    assert.deepEqual(events().sort(), ["canary", "started"]);
    const canary = hook.received.map(({ body }) => body).find((body) => at(body, "event") === "canary");
    assert.deepEqual([at(canary, "percent"), at(canary, "release"), at(canary, "stack")], [10, "42", "dev"]);
    assert.equal(typeof at(canary, "milliseconds"), "number");
    assert.deepEqual([said, entries], [[], []]);
  });

  it("tells what failed, and hands the failure on", async () => {
    const failing = announced(
      open(),
      () => Promise.reject(new Failure("blue serves")),
      () => ({ event: "live" }),
    );
    await assert.rejects(failing, Failure);
    assert.deepEqual(
      hook.received.map(({ body }) => [at(body, "event"), at(body, "reason")]),
      [["failed", "blue serves"]],
    );
  });

  it("tells nobody what was refused before it began", async () => {
    const refused = announced(
      open(),
      () => Promise.reject(new Refusal("no", "yes")),
      () => ({ event: "live" }),
    );
    await assert.rejects(refused, Refusal);
    assert.deepEqual(events(), []);
  });

  it("says on the terminal and in the ledger whom it did not reach, and reaches the others", async () => {
    const broken = await httpReceiver(403);
    const messenger = open(undefined, { kind: "slack", url: `${broken.url}/hunter2` });
    messenger.tell({ event: "live" });
    assert.deepEqual(await messenger.settled(), [{ channel: "slack", event: "live", reason: "HTTP 403" }]);
    await broken.close();
    assert.deepEqual(events(), ["live"]);
    assert.deepEqual(said, ["message not delivered: slack: HTTP 403"]);
    assert.deepEqual(
      entries.map((entry) => entry.event === "undelivered" && [entry.channel, entry.message, entry.reason]),
      [["slack", "live", "HTTP 403"]],
    );
  });

  it("does not wait for a ledger that gives no answer, nor lets it go on for long", async () => {
    const broken = await httpReceiver(403);
    const limits: (number | undefined)[] = [];
    const silent: KnownHost["ask"] = (_words, _stdin, asking) => {
      limits.push(asking?.timeoutMs);
      return new Promise(() => undefined);
    };
    const messenger = openAt(silent, undefined, { kind: "slack", url: `${broken.url}/hunter2` });
    messenger.tell({ event: "live" });
    await until("the ledger is asked", () => limits.length > 0);
    await broken.close();
    mock.timers.enable({ apis: ["setTimeout"] });
    syncBuiltinESMExports();
    try {
      const settled = messenger.settled();
      mock.timers.tick(11_000);
      const waited = turn().then(() => turn("still waiting"));
      assert.deepEqual(await Promise.race([settled, waited]), [
        { channel: "slack", event: "live", reason: "HTTP 403" },
      ]);
    } finally {
      mock.timers.reset();
      syncBuiltinESMExports();
    }
    const [limit = Infinity] = limits;
    assert.ok(limit <= 11_000, String(limit));
  });

  it("goes on where the channels cannot be read, and says nothing of what they hold", async () => {
    for (const [getConfig, why] of [
      [
        () => Promise.reject(new Error("code: 255\n stderr: error: incorrect passphrase\n")),
        /incorrect passphrase/,
      ],
      [() => Promise.resolve({ value: '[{"kind":"hunter2"}]' }), /bluegreen:messages cannot be read/],
      [() => Promise.resolve({ value: "hunter2" }), /bluegreen:messages cannot be read/],
    ] as const) {
      said.length = 0;
      const messenger = open(getConfig);
      messenger.tell({ event: "live" });
      assert.deepEqual(await messenger.settled(), []);
      assert.match(said.join(), why);
      assert.doesNotMatch(said.join(), /hunter2/);
    }
    assert.deepEqual(events(), []);
  });
});

describe("a channel's secret in the config's file", () => {
  const held =
    (...messages: Record<string, string | Record<string, string>>[]) =>
    () => {
      const config = { path: "", text: "", values: { messages } };
      refusePlainSecrets({ name: "prod", config });
    };

  it("may be encrypted", () => {
    held({ kind: "slack", url: { secure: "v1:…" } })();
  });

  it("is refused beside an encrypted one, and not shown", () => {
    assert.throws(
      held({ kind: "slack", url: { secure: "v1:…" } }, { kind: "webhook", url: "https://x/hunter2" }),
      (error) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.fix, "pulumi config set --stack prod --secret --path 'messages[1].url'");
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
});
