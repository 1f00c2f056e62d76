import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Channel } from "../../../components/config/messages-schema.ts";
import { type LedgerEntry, parseLedger } from "../../../components/ledger/entry.ts";
import type { About } from "../../../components/messages/message.ts";
import { renderDeliveries } from "../../../release/watch/deliveries.ts";
import { isLeftToUs, parseWatchState } from "../../../release/watch/plan.ts";
import { installScripts } from "../../support/host-scripts.ts";
import { at } from "../../support/json.ts";
import { run, until } from "../../support/process.ts";
import {
  certificate,
  httpReceiver,
  mailReceiver,
  receiversOfOneTest,
  silentReceiver,
} from "../../support/receivers.ts";
import { assertAbsent, newSecret, processes, shownBy } from "../../support/secrets.ts";

const ABOUT: About = {
  ...{ project: "bluegreen", stack: "prod", command: "watch", by: "the watch" },
  ...{ release: "2", color: "green" },
};
const BAD = "5.00 % of 200 requests failed, allowed are 1 %";

describe("what watch.sh sends", () => {
  let directory: string;
  let gateway: Server;
  let errors: number;
  let slotStatus: number;
  let env: NodeJS.ProcessEnv;
  const { kept, close } = receiversOfOneTest();

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "watch-messages-"));
    for (const folder of ["gateway/run", "gateway/conf"])
      await mkdir(join(directory, folder), { recursive: true });
    const watchSh = (await installScripts(directory))("watch.sh");
    // Whether somebody follows is known sooner here.
    const quicker = (await readFile(watchSh, "utf8")).replace("FOLLOWED_SECONDS=15", "FOLLOWED_SECONDS=2");
    await writeFile(watchSh, quicker);
    await writeFile(join(directory, "bin/docker"), "#!/bin/sh\necho api-green healthy 0\n", { mode: 0o755 });
    const pair = await certificate(directory);
    env = {
      ...process.env,
      PATH: `${directory}/bin:${process.env["PATH"] ?? ""}`,
      CURL_CA_BUNDLE: pair.file,
    };
    [errors, slotStatus] = [0, 200];
    let live = "green";
    gateway = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://gateway");
      if (url.pathname.startsWith("/slot/")) response.statusCode = slotStatus;
      if (request.method === "PUT") live = url.searchParams.get("live") ?? live;
      const buckets = Array<number>(17).fill(0).join(" ");
      const counts = ["blue", "green"].flatMap((color) => [
        `${color}.requests ${color === "green" && errors > 0 ? 200 : 0}`,
        `${color}.errors ${color === "green" ? errors : 0}`,
        `${color}.buckets ${buckets}`,
      ]);
      const state = [`live ${live}`, "canary 0", "release.blue 1", "release.green 2", "config cafe", ""];
      response.end((url.pathname === "/counts" ? counts : state).join("\n"));
    }).listen(join(directory, "gateway/run/control.sock"));
    await once(gateway, "listening");
  });
  afterEach(async () => {
    await watch("stop");
    gateway.closeAllConnections();
    gateway.close();
    await close();
    await rm(directory, { recursive: true, force: true });
  });

  const watch = (verb: string, input = "", ...id: readonly string[]) =>
    run(join(directory, "bin/watch.sh"), [directory, verb, ...id], { env, input, timeoutMs: 60_000 });
  const follow = async (id = "anna"): Promise<string> => (await watch("follow", "", id)).stdout;
  /** What it was handed, in base64. */
  async function start(...channels: readonly Channel[]): Promise<readonly string[]> {
    const plan = [
      ...["id anna", "color green", "release 2", "containers api-green", "seconds 60"],
      "watched live green;canary 0;release.blue 1;release.green 2",
      "back live blue;canary 0;release.blue 1;release.green 2",
      ...["maxErrorPercent 1", "maxP99Ms 0", "worseErrorPercent 1", "worseP99Factor 3", "minRequests 20", ""],
    ].join("\n");
    const deliveries = renderDeliveries(channels, ABOUT);
    const started = await watch("start", plan + deliveries);
    assert.match(started.stdout, /^watching green 2 \d+$/m, started.output);
    return deliveries.split(/\s/).filter((word) => word.length > 50);
  }
  /** Until the watch has a verdict, and its process has nothing left to do. */
  async function over(): Promise<string> {
    const pid = Number(await readFile(join(directory, "gateway/watch/pid"), "utf8"));
    await until("the watch is gone", async () => !(await readdir("/proc")).includes(String(pid)), 40_000);
    return (await watch("status")).stdout.trim();
  }
  async function undelivered(): Promise<readonly Extract<LedgerEntry, { event: "undelivered" }>[]> {
    const entries = parseLedger(await readFile(join(directory, "ledger"), "utf8"));
    return entries.flatMap((entry) => (entry.event === "undelivered" ? [entry] : []));
  }

  it("reaches every channel when nobody follows, and leaves no secret where others look", async () => {
    const [slack, hook, password] = [newSecret(), newSecret(), `${newSecret()}:"\\`];
    const routingKey = randomBytes(16).toString("hex");
    const login = { username: "deploy@example.com", password };
    const pair = await certificate(directory);
    const mail = kept(await mailReceiver(login, pair));
    const posts = kept(await httpReceiver(200));
    const silent = kept(await silentReceiver());
    const handed = await start(
      { kind: "slack", url: `${posts.url}/services/${slack}` },
      { kind: "webhook", url: `${posts.url}/hook/${hook}` },
      { kind: "pagerduty", routingKey, address: posts.url },
      { kind: "webhook", url: `http://127.0.0.1:${silent.port}/${hook}` },
      {
        ...{ kind: "email", server: "127.0.0.1", port: mail.port, tls: "starttls", login },
        ...{ from: "deploy@example.com", to: ["ops@example.com", "dev@example.com"] },
      },
    );
    const watching = await processes();
    errors = 10;
    await until("all but one have it", () => posts.received.length === 3 && mail.mails.length === 1, 20_000);
    const sending = await processes();
    assert.ok(
      sending.some(({ command }) => command.startsWith("curl -q --config")),
      "one is still tried",
    );
    assert.equal(await over(), `verdict bad ${BAD}`);
    const bodies = new Map(posts.received.map(({ path, body }) => [path.split("/")[1] ?? "", body]));
    assert.ok(posts.received.every(({ type }) => type === "application/json"));
    assert.equal(
      at(bodies.get("services"), "text"),
      `*prod: release 2 was taken back from green*\nwho: the watch\nwhat: watch\nreason: ${BAD}`,
    );
    const told = bodies.get("hook");
    assert.deepEqual([at(told, "event"), at(told, "reason")], ["taken back", BAD]);
    assert.ok(Math.abs(Date.parse(String(at(told, "at"))) - Date.now()) < 60_000);
    const page = bodies.get("v2");
    assert.deepEqual([at(page, "routing_key"), at(page, "event_action")], [routingKey, "trigger"]);
    const [letter] = mail.mails;
    assert.deepEqual(
      [letter?.secure, letter?.user, letter?.from],
      [true, login.username, "deploy@example.com"],
    );
    assert.deepEqual(letter?.to, ["ops@example.com", "dev@example.com"]);
    assert.match(letter.message, /^Subject: prod: release 2 was taken back from green\r?$/m);
    assert.match(letter.message, /^Date: \w{3}, \d\d \w{3} \d{4} /m);
    assert.ok(letter.message.includes(`reason: ${BAD}`));
    const missed = (await undelivered()).map(({ channel, message, reason }) => [channel, message, reason]);
    assert.deepEqual(missed, [["webhook", "taken back", "no answer within 4 s"]]);
    const secrets = [slack, hook, routingKey, password, ...handed];
    assertAbsent(secrets, [...watching, ...sending].map(shownBy).join("\n"), "a command line or environment");
    for (const file of await readdir(directory, { recursive: true, withFileTypes: true }))
      if (file.isFile())
        assertAbsent(
          secrets,
          `${file.name}\n${await readFile(join(file.parentPath, file.name), "utf8")}`,
          file.name,
        );
  });

  it("says so where visitors could not be sent back", async () => {
    const posts = kept(await httpReceiver(200));
    await start({ kind: "webhook", url: `${posts.url}/` });
    [slotStatus, errors] = [502, 10];
    assert.match(await over(), /^verdict failed/);
    const reason = `${BAD}; visitors were not sent back: blue does not answer`;
    assert.deepEqual(
      posts.received.map(({ body }) => [at(body, "event"), at(body, "reason"), at(body, "text")]),
      [["failed", reason, "prod: watch of release 2 failed"]],
    );
  });

  it("is left to whoever follows, once", async () => {
    const posts = kept(await httpReceiver(200));
    await start({ kind: "webhook", url: `${posts.url}/` });
    errors = 10;
    let said = "";
    await until("there is a verdict", async () => {
      said = await follow();
      return parseWatchState(said).kind === "verdict";
    });
    assert.ok(isLeftToUs(said), said);
    assert.deepEqual(parseWatchState(said), { kind: "verdict", verdict: "bad", reason: BAD });
    await over();
    assert.ok(isLeftToUs(await follow()), "the answer before may have been lost");
    assert.equal(posts.received.length, 0);
  });

  it("is nothing to whoever followed the watch before it", async () => {
    const posts = kept(await httpReceiver(200));
    await start({ kind: "webhook", url: `${posts.url}/` });
    errors = 10;
    const state = async (id: string) => parseWatchState(await follow(id));
    assert.deepEqual(await state("ben"), {
      ...{ kind: "verdict", verdict: "superseded" },
      reason: "another command has release 2 watched since",
    });
    await until("there is a verdict", async () => (await watch("status")).stdout.startsWith("verdict"));
    assert.equal(isLeftToUs(await follow("ben")), false);
    await over();
    assert.equal(posts.received.length, 1, "the host tells: nobody of this watch follows");
  });

  it("comes though the disk is full", async () => {
    const posts = kept(await httpReceiver(200));
    await start({ kind: "webhook", url: `${posts.url}/` });
    await mkdir(join(directory, "gateway/watch/verdict.new"));
    errors = 10;
    await over();
    assert.equal(posts.received.length, 1);
  });

  it("comes when whoever followed is gone, and is not told again to who comes back late", async () => {
    const posts = kept(await httpReceiver(200));
    await start({ kind: "webhook", url: `${posts.url}/` });
    assert.equal(isLeftToUs(await follow()), false);
    errors = 10;
    // Somebody who looks does not follow.
    await until("there is a verdict", async () => (await watch("status")).stdout.startsWith("verdict"));
    await over();
    assert.equal(posts.received.length, 1);
    const late = await follow();
    assert.equal(isLeftToUs(late), false, late);
  });

  it("does not hold up the host's other work, nor a new watch", async () => {
    const silent = kept(await silentReceiver());
    await start({ kind: "webhook", url: `http://127.0.0.1:${silent.port}/` });
    [slotStatus, errors] = [502, 10];
    const said = async () => (await watch("status")).stdout.startsWith("verdict");
    await until("there is a verdict, though nothing is delivered yet", said, 5000);
    assert.equal((await run("flock", ["-n", join(directory, "lock"), "true"])).code, 0);
    errors = 0;
    await start();
  });

  it("is tried twice where that may help, and never fails the watch", async () => {
    const [busy, refuses] = [kept(await httpReceiver(500)), kept(await httpReceiver(404))];
    const gone = await silentReceiver();
    await gone.close();
    const pair = await certificate(directory);
    const mail = kept(await mailReceiver({ username: "deploy", password: "another" }, pair));
    await start(
      { kind: "slack", url: `${busy.url}/` },
      { kind: "webhook", url: `${refuses.url}/` },
      { kind: "webhook", url: `http://127.0.0.1:${gone.port}/` },
      {
        ...{ kind: "email", server: "127.0.0.1", port: mail.port, tls: "starttls" },
        ...{ login: { username: "deploy", password: "wrong" }, from: "a@example.com", to: ["b@example.com"] },
      },
    );
    errors = 10;
    assert.equal(await over(), `verdict bad ${BAD}`);
    assert.deepEqual([busy.received.length, refuses.received.length], [2, 1]);
    const reasons = (await undelivered()).map(({ channel, reason }) => `${channel}: ${reason}`);
    assert.deepEqual([...reasons].sort(), [
      "email: curl 67, SMTP 535",
      "slack: HTTP 500",
      "webhook: HTTP 404",
      "webhook: curl 7",
    ]);
  });

  it("says nothing to a mail server whose certificate nobody knows, nor to one without TLS", async () => {
    const strangers = await mkdtemp(join(tmpdir(), "stranger-"));
    const pair = await certificate(strangers);
    const mails = [
      kept(await mailReceiver({ username: "u", password: "p" }, pair)),
      kept(await mailReceiver({ username: "u", password: "p" }, pair, "implicit")),
    ];
    await rm(strangers, { recursive: true });
    const through = (port: number, tls: "starttls" | "implicit"): Channel => ({
      ...{ kind: "email", server: "127.0.0.1", port, tls, login: { username: "u", password: "p" } },
      ...{ from: "a@example.com", to: ["b@example.com"] },
    });
    await start(through(mails[0]?.port ?? 0, "starttls"), through(mails[1]?.port ?? 0, "implicit"));
    errors = 10;
    await over();
    assert.deepEqual(
      mails.flatMap((one) => one.mails),
      [],
    );
    assert.deepEqual(
      (await undelivered()).map(({ reason }) => reason),
      ["curl 60", "curl 60"],
    );
  });

  it("can hold any reason", async () => {
    const posts = kept(await httpReceiver(200));
    const script = '. "$dir/bin/common.sh"; . "$dir/bin/tell.sh"; deliveries=$(cat); deliver bad "$1"';
    const reason = 'it said "no" \\ <!channel> & $(id) `id` %s\n\u0007 ü';
    const sent = await run("bash", ["-euc", script, join(directory, "bin/watch.sh"), reason], {
      env: { ...env, dir: directory },
      input: renderDeliveries(
        [
          { kind: "webhook", url: `${posts.url}/hook` },
          { kind: "slack", url: `${posts.url}/slack` },
        ],
        ABOUT,
      ),
    });
    assert.equal(sent.code, 0, sent.output);
    const told = posts.received.find(({ path }) => path === "/hook")?.body;
    assert.equal(at(told, "reason"), "it said  no     !channel    $(id) `id` %s   ü");
    assert.equal(posts.received.length, 2);
  });
});
