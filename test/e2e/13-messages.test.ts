import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { parseLedger } from "../../components/ledger/entry.ts";
import { EXIT } from "../../release/outcome.ts";
import { at } from "../support/json.ts";
import { type Result, type Running, until } from "../support/process.ts";
import { certificate, httpReceiver, mailReceiver } from "../support/receivers.ts";
import { assertAbsent, encrypted, newSecret, processes, shownBy } from "../support/secrets.ts";
import type { Stack } from "../support/stack.ts";
import { liveOf, newId, nothingToDo, other, release, sharedStack, switchSettings } from "./shared.ts";

describe("messages about releases", function () {
  this.timeout(900_000);
  let shared: Stack;
  let stack: Stack;
  let folder: string;
  let posts: Awaited<ReturnType<typeof httpReceiver>>;
  let slack: Awaited<ReturnType<typeof httpReceiver>>;
  let mail: Awaited<ReturnType<typeof mailReceiver>>;
  const secrets = {
    slack: newSecret(),
    webhook: newSecret(),
    routingKey: randomBytes(16).toString("hex"),
    password: newSecret(),
  };
  /** All that the commands said. */
  const said: string[] = [];

  before(async () => {
    shared = await sharedStack();
    folder = await mkdtemp(path.join(os.tmpdir(), "bluegreen-messages-"));
    const pair = await certificate(folder);
    const login = { username: "deploy", password: secrets.password };
    [posts, slack, mail] = await Promise.all([
      httpReceiver(202),
      httpReceiver(500),
      mailReceiver(login, pair),
    ]);
    // Of the command and the program the one, of the host the other.
    stack = shared.by(["env", `NODE_EXTRA_CA_CERTS=${pair.file}`, `CURL_CA_BUNDLE=${pair.file}`]);
    const held = await encrypted(stack, "scratch", {
      slack: `${slack.url}/services/${secrets.slack}`,
      webhook: `${posts.url}/hook/${secrets.webhook}`,
      routingKey: secrets.routingKey,
      password: secrets.password,
    });
    const cipher = (name: string) => ({ secure: String(at(held, name, "secure")) });
    stack.set({
      messages: [
        { kind: "slack", url: cipher("slack") },
        { kind: "webhook", url: cipher("webhook") },
        { kind: "pagerduty", routingKey: cipher("routingKey"), address: posts.url },
        {
          ...{ kind: "email", server: "127.0.0.1", port: mail.port },
          login: { username: "deploy", password: cipher("password") },
          ...{ from: "deploy@example.com", to: ["ops@example.com"] },
        },
      ],
    });
  });

  after(async () => {
    const { messages, ...config } = stack.config;
    assert.ok(messages !== undefined);
    shared.config = config;
    shared.lastGood = config;
    // What a watch sent back may not go live any more: the next tests get another idle release.
    shared.set({ [other(liveOf(shared))]: await release(newId()) });
    await shared.upOk();
    await Promise.all([posts, slack, mail].map(({ close }) => close()));
    await rm(folder, { recursive: true });
  });

  async function bluegreen(command: string, ...more: readonly string[]): Promise<Result> {
    const result = await stack.bluegreen(command, ...more);
    said.push(result.output);
    return result;
  }
  /** What has come since the last call: the webhook's events, PagerDuty's actions, the mails' subjects. */
  let seen = { posts: 0, mails: 0, slack: 0 };
  function news() {
    const since = posts.received.slice(seen.posts);
    const mails = mail.mails.slice(seen.mails);
    const tries = slack.received.length - seen.slack;
    seen = { posts: posts.received.length, mails: mail.mails.length, slack: slack.received.length };
    const hooks = since.filter(({ path }) => path.startsWith("/hook/")).map(({ body }) => body);
    return {
      hooks,
      tries,
      events: hooks.map((body) => at(body, "event")),
      pager: since
        .filter(({ path }) => path.startsWith("/v2/"))
        .map(({ path, body }) => at(body, "event_action") ?? path),
      subjects: mails.map(({ message }) => /^Subject: (.*?)\r?$/m.exec(message)?.[1] ?? message),
    };
  }
  const CHANGE = "/v2/change/enqueue";

  it("say that a deploy began and is live, while one channel is broken, and change nothing else", async () => {
    await nothingToDo(stack);
    const [id, idle] = [newId(), other(liveOf(stack))];
    const { images } = await release(id);
    const args = ["--image", `api=${images.api}`, "--release", id, "--by", "Anna"];
    const deploy = await stack.startBluegreen("deploy", ...args);
    await deploy.printed(/^update$/m);
    const running = await processes();
    const { code, output } = await deploy.done;
    await stack.readConfig();
    said.push(output);
    assert.equal(code, EXIT.done, output);
    assertAbsent(Object.values(secrets), running.map(shownBy).join("\n"), "a command line or environment");
    assert.match(output, /^message not delivered: slack: HTTP 500$/m);
    const { hooks, events, pager, subjects, tries } = news();
    assert.deepEqual(events, ["started", "live"]);
    assert.deepEqual([...pager].sort(), [CHANGE, CHANGE, "resolve"]);
    assert.deepEqual(subjects, [
      `${stack.name}: deploy of release ${id} onto ${idle} begins`,
      `${stack.name}: release ${id} is live on ${idle}`,
    ]);
    assert.equal(tries, 4, "each twice");
    assert.deepEqual(
      ["stack", "release", "color", "by"].map((key) => at(hooks[1], key)),
      [stack.name, id, idle, "Anna"],
    );
    const entries = parseLedger(await stack.read("ledger"));
    const live = entries.findLast((entry) => entry.event === "live");
    assert.ok(live !== undefined && String(at(hooks[0], "at")) < live.at, "it was said when it began");
    const missed = entries.findLast((entry) => entry.event === "undelivered");
    assert.ok(missed?.event === "undelivered");
    assert.deepEqual([missed.channel, missed.message, missed.reason], ["slack", "live", "HTTP 500"]);
    await nothingToDo(stack);
  });

  it("say that a release was rolled back", async () => {
    const back = await bluegreen("rollback", "--by", "Anna");
    assert.equal(back.code, EXIT.done, back.output);
    const { events, pager } = news();
    assert.deepEqual(events, ["started", "rolled back"]);
    assert.deepEqual([...pager].sort(), [CHANGE, CHANGE, "resolve"]);
  });

  it("say why a deploy failed, and who is to look at it", async () => {
    const id = newId();
    const { images } = await release(id, "unhealthy");
    const failed = await bluegreen("deploy", "--image", `api=${images.api}`, "--release", id, "--by", "Anna");
    assert.equal(failed.code, EXIT.failed, failed.output);
    const { hooks, events, pager, subjects } = news();
    assert.deepEqual(events, ["started", "failed"]);
    assert.match(String(at(hooks[1], "reason")), /serves; (blue|green) is as it was/);
    assert.deepEqual(pager, [CHANGE, "trigger"]);
    assert.equal(subjects[1], `${stack.name}: deploy of release ${id} failed`);
    await nothingToDo(stack);
  });

  it("can be tried, and say nothing of what was refused", async () => {
    const tried = await bluegreen("messages", "--test");
    assert.equal(tried.code, EXIT.failed, tried.output);
    assert.match(tried.stdout, /^3 of 4 channels were reached$/m);
    assert.deepEqual(news().events, ["test"]);
    const refused = await bluegreen("rollback", "--to", "nowhere");
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.deepEqual(news().events, []);
  });

  it("are refused with a plain secret before anything changes, by the command line and by the program", async () => {
    const config = stack.config;
    const plain = { kind: "webhook", url: `${posts.url}/plain` };
    stack.set({ messages: z.array(z.json()).parse(config["messages"]).concat(plain) });
    const refused = await bluegreen("rollback");
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.match(refused.output, /fix: pulumi config set --stack \S+ --secret --path 'messages\[4\]\.url'/);
    stack.set({ messages: [plain] });
    const preview = await stack.preview();
    said.push(preview.output);
    stack.config = config;
    assert.notEqual(preview.code, 0);
    assert.match(preview.output, /bluegreen:messages\[0\]\.url: got a plain value; allowed: a secret/);
    assert.deepEqual(news().events, []);
  });

  describe("of a bare pulumi up", () => {
    async function up(): Promise<Result> {
      const result = await stack.up();
      said.push(result.output);
      return result;
    }

    it("say that a release began, waits, gets its share and is live, and that it is gone back from", async () => {
      const [id, live, idle] = [newId(), liveOf(stack), other(liveOf(stack))];
      stack.set({ [idle]: await release(id) });
      for (const [change, events] of [
        [{}, ["started", "waiting"]],
        [{ canary: 10 }, ["canary"]],
        [{ canary: 0, active: idle }, ["live"]],
        [{ active: live }, ["started", "rolled back"]],
      ] as const) {
        stack.set(change);
        const { code, output } = await up();
        assert.equal(code, 0, output);
        const told = news();
        assert.deepEqual([...told.events].sort(), [...events].sort(), output);
        assert.equal(told.tries, 2 * events.length, "each twice, where it is not heard");
        assert.match(output, /message not delivered: slack: HTTP 500/);
        const last = told.hooks.find((body) => at(body, "event") === events.at(-1));
        assert.equal(at(last, "command"), "up");
        assert.ok(Number(at(last, "milliseconds")) > 0);
        await nothingToDo(stack);
      }
      const missed = parseLedger(await stack.read("ledger")).findLast(({ event }) => event === "undelivered");
      assert.ok(missed?.event === "undelivered");
      assert.deepEqual([missed.channel, missed.message], ["slack", "rolled back"]);
      assert.deepEqual(news().events, []);
    });

    it("say why a release failed, once", async () => {
      const [id, idle] = [newId(), other(liveOf(stack))];
      const config = stack.config;
      stack.set({ [idle]: await release(id, "unhealthy") });
      const failed = await up();
      assert.notEqual(failed.code, 0, failed.output);
      const { hooks, events, pager, subjects } = news();
      assert.deepEqual([...events].sort(), ["failed", "started"]);
      const reason = at(
        hooks.find((body) => at(body, "event") === "failed"),
        "reason",
      );
      assert.match(
        String(reason),
        new RegExp(`^${stack.container(`api-${idle}`)}: [^]*failed to be in healthy state`),
      );
      assert.ok(String(reason).endsWith(`\n${liveOf(stack)} serves`), String(reason));
      assert.deepEqual([...pager].sort(), [CHANGE, "trigger"].sort());
      assert.ok(subjects.includes(`${stack.name}: up of release ${id} failed`), subjects.join());
      stack.config = config;
      await stack.upOk();
      news();
    });

    it("say why a switch failed, and nothing of an update without news", async () => {
      const config = stack.config;
      const smoke = [{ path: "/nowhere", status: 200, timeoutSeconds: 1 }];
      stack.set({ active: other(liveOf(stack)), switch: { ...switchSettings, smoke } });
      const failed = await up();
      assert.notEqual(failed.code, 0, failed.output);
      const { hooks, events } = news();
      assert.equal(events.at(-1), "failed");
      assert.match(
        String(at(hooks.at(-1), "reason")),
        /^switch-flip: [^]*path=%2Fnowhere of .* live is still: /,
      );
      // The switch runs once more, and what it verifies is no news.
      stack.config = { ...config, switch: { ...switchSettings, bakeSeconds: 2 } };
      await stack.upOk();
      stack.config = config;
      await stack.upOk();
      assert.deepEqual(news().events, []);
    });
  });

  describe("of a watch", () => {
    /** A release that errs, with half of the visitors, watched. */
    async function watched(): Promise<Running> {
      stack.set({ watch: { worseP99Factor: 1000, minimumRequests: 40 } });
      const { images } = await release(newId(), "errors");
      const args = ["--image", `api=${images.api}`, "--canary", "50", "--hold", "5m", "--by", "Anna"];
      const command = await stack.startBluegreen("deploy", ...args);
      await command.printed(/is being watched/);
      return command;
    }
    async function visit(): Promise<void> {
      const headers = { cookie: "bluegreen_bucket=5" };
      for (let i = 0; i < 100; i++) await (await fetch(`${stack.url}/version`, { headers })).text();
    }
    it("say that visitors were sent back, by the command that follows it alone", async () => {
      const command = await watched();
      await visit();
      const { code, output } = await command.done;
      await stack.readConfig();
      said.push(output);
      assert.equal(code, EXIT.failed, output);
      assert.deepEqual(news().events, ["started", "waiting", "canary", "taken back"]);
      await nothingToDo(stack);
    });

    it("say so from the host where nobody follows it any more", async () => {
      const [from, began] = [posts.received.length, Date.now()];
      const command = await watched();
      await command.killTree();
      said.push((await command.done).output);
      await stack.readConfig();
      const watching = await processes();
      await visit();
      const told = () => posts.received.slice(from).some(({ body }) => at(body, "event") === "taken back");
      await until("the host has told", told);
      const missed = async () =>
        parseLedger(await stack.read("ledger")).findLast(({ event }) => event === "undelivered");
      await until("all were tried", async () => {
        const last = await missed();
        return last?.event === "undelivered" && last.message === "taken back" && Date.parse(last.at) > began;
      });
      const { hooks, events, pager, subjects, tries } = news();
      assert.deepEqual(events, ["started", "waiting", "canary", "taken back"]);
      assert.match(String(at(hooks.at(-1), "reason")), /% of \d+ requests failed/);
      assert.equal(pager.at(-1), "trigger");
      assert.match(subjects.at(-1) ?? "", /was taken back from/);
      assert.equal(tries, 8, "each twice");
      assertAbsent(Object.values(secrets), watching.map(shownBy).join("\n"), "a command line or environment");
      // What the host did, the file says too.
      stack.set({ canary: 0 });
      await stack.upOk();
      assert.deepEqual(
        news().events.filter((event) => event !== "started"),
        ["rolled back"],
      );
    });
  });

  describe("after all that", () => {
    it("leave no secret in state, ledger or output", async () => {
      const values = Object.values(secrets);
      assertAbsent(values, await readFile(stack.stateFile, "utf8"), "the state");
      assertAbsent(values, await stack.read("ledger"), "the ledger");
      assertAbsent(values, said.join("\n"), "what the commands said");
    });
  });
});
