import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";

import { docker, until } from "../support/process.ts";
import { GatewayStack, converse, reading, UPGRADE } from "./gatewayStack.ts";

describe("the gateway on a real engine", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  before(async () => {
    stack = await GatewayStack.make({ bodyLimitMb: 2, readTimeoutSeconds: 1, streamIdleSeconds: 60 });
  });
  after(async () => {
    await stack.remove();
  });

  const ask = async (where: string, headers: Record<string, string> = {}): Promise<Response> =>
    await fetch(stack.url(where), { headers });
  const logLines = async (): Promise<string> => await docker("logs", stack.container("gateway"));

  it("answers for itself, and its own page, before any colour was live", async () => {
    assert.equal((await ask("/healthz")).status, 200);
    const page = await ask("/");
    assert.equal(page.status, 503);
    assert.ok(Number(page.headers.get("retry-after")) > 0);
    assert.match(page.headers.get("content-type") ?? "", /text\/html/);
    assert.match(await page.text(), /No release is live/);
    assert.equal(page.headers.get("x-color"), null);
    const json = await ask("/", { accept: "application/json", "x-request-id": "abcdefgh-1" });
    assert.equal(json.status, 503);
    assert.deepEqual(await json.json(), {
      error: "no release is live",
      status: 503,
      requestId: "abcdefgh-1",
    });
  });

  describe("with a live colour", () => {
    beforeEach(async () => {
      await stack.setState("blue");
    });

    it("changes the answering colour with the next request, also on a kept connection", async () => {
      const request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
      const { socket, got } = await converse(stack.port, request, /blue$/);
      assert.match(got, /X-Color: blue\r\n.*X-Release: 1\r\n/s);
      assert.doesNotMatch(got, /liar/);
      await stack.control("/state?live=green", "PUT");
      socket.write(request);
      assert.match(await reading(socket, /green$/), /X-Color: green\r\n.*X-Release: 2\r\n/s);
      socket.destroy();
    });

    it("keeps a sane request id, replaces another, passes it on and answers it", async () => {
      const kept = await ask("/", { "x-request-id": "client.id_1-2" });
      assert.equal(kept.headers.get("x-request-id"), "client.id_1-2");
      assert.equal(kept.headers.get("x-seen-request-id"), "client.id_1-2");
      for (const bad of ['a"},{"b', "short", "x".repeat(65)]) {
        const made = await ask("/", { "x-request-id": bad });
        assert.match(made.headers.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
        assert.equal(made.headers.get("x-seen-request-id"), made.headers.get("x-request-id"));
      }
    });

    it("logs one JSON object for each request", async () => {
      await ask('/a"b', { "x-request-id": "log-line-0001" });
      let line = "";
      await until("the line is in the log", async () => {
        line = (await logLines()).split("\n").find((one) => one.includes("log-line-0001")) ?? "";
        return line !== "";
      });
      const entry = JSON.parse(line) as Record<string, unknown>;
      assert.deepEqual(
        { color: entry["color"], release: entry["release"], status: entry["status"], bytes: entry["bytes"] },
        { color: "blue", release: "1", status: 200, bytes: 4 },
      );
      assert.match(String(entry["upstreamSeconds"]), /^\d\.\d{3}$/);
    });

    it("gives security headers, compresses, and lets hashed files be kept for ever", async () => {
      const answer = await ask("/big", { "accept-encoding": "gzip" });
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      assert.equal(answer.headers.get("content-encoding"), "gzip");
      assert.equal(answer.headers.get("cache-control"), null);
      const asset = await ask("/static/app-8f3a2b1c.js");
      assert.equal(asset.headers.get("cache-control"), "public, max-age=31536000, immutable");
      // What the application says there is hidden all the same.
      assert.equal(asset.headers.get("x-color"), "blue");
      assert.equal(asset.headers.get("x-release"), "1");
      assert.match(asset.headers.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
      assert.equal((await ask("/static/my-component.js")).headers.get("cache-control"), null);
    });

    it("refuses a body over the limit", async () => {
      const post = async (bytes: number): Promise<number> =>
        (await fetch(stack.url("/"), { method: "POST", body: "x".repeat(bytes) })).status;
      assert.equal(await post(2_000_000), 201);
      assert.equal(await post(2_200_000), 413);
    });

    it("answers 504 of its own when the application is too slow", async () => {
      const slow = await ask("/slow/3", { accept: "application/json" });
      assert.equal(slow.status, 504);
      assert.equal(slow.headers.get("x-color"), "blue");
      assert.match(await slow.text(), /"the application took too long to answer"/);
    });

    it("answers 502 of its own while a slot is away, and finds it at its new address", async () => {
      await docker("stop", "--time", "0", stack.container("blue"));
      // Another container takes the address meanwhile.
      const squatter = stack.container("squatter");
      await docker(
        "run",
        "--detach",
        "--rm",
        "--name",
        squatter,
        "--network",
        stack.name,
        "nginx:1.30",
        "sleep",
        "60",
      );
      try {
        const down = await ask("/");
        assert.equal(down.status, 502);
        assert.ok(Number(down.headers.get("retry-after")) > 0);
        assert.match(await down.text(), /did not answer/);
        await docker("start", stack.container("blue"));
        await until("blue answers again", async () => (await ask("/")).status === 200, 5000);
      } finally {
        await docker("rm", "--force", squatter);
      }
    });

    it("counts requests and errors of a colour, and what is open", async () => {
      await stack.control("/state?live=green", "PUT");
      const number = async (key: string): Promise<number> =>
        Number(await stack.value("/counts", `green.${key}`));
      const [requests, errors, blue] = [
        await number("requests"),
        await number("errors"),
        await stack.value("/counts", "blue.requests"),
      ];
      await ask("/");
      await ask("/slow/3");
      await ask("/healthz");
      await until("both are counted", async () => (await number("requests")) >= requests + 2);
      assert.equal(await number("requests"), requests + 2);
      assert.equal(await number("errors"), errors + 1);
      assert.equal(await stack.value("/counts", "blue.requests"), blue);
      const { socket } = await converse(stack.port, UPGRADE, /\r\n\r\n/);
      assert.equal(await number("open"), 1);
      socket.destroy();
      await until("it is closed", async () => (await number("open")) === 0);
    });

    it("carries a WebSocket through a flip and past the read timeout", async () => {
      const { socket, got } = await converse(stack.port, UPGRADE, /\r\n\r\n/);
      assert.match(got, /^HTTP\/1.1 101 .*Upgrade: websocket/is);
      await stack.control("/state?live=green", "PUT");
      await new Promise((resolve) => setTimeout(resolve, 1300)); // longer than readTimeoutSeconds
      socket.write("ping");
      assert.equal(await reading(socket, /ping/), "ping");
      socket.destroy();
    });

    it("carries a WebSocket and a kept connection through the steps of a canary", async () => {
      const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
      const { socket } = await converse(stack.port, UPGRADE, /\r\n\r\n/);
      const { socket: kept } = await converse(stack.port, get, /\r\n\r\nblue$/);
      for (const [percent, color] of [
        [10, "blue|green"],
        [50, "blue|green"],
        [100, "green"],
        [0, "blue"],
      ] as const) {
        await stack.control(`/state?canary=${percent}`, "PUT");
        socket.write(`ping at ${percent};`);
        assert.equal(await reading(socket, /;/), `ping at ${percent};`);
        kept.write(get);
        await reading(kept, new RegExp(`\r\n\r\n(${color})$`));
      }
      socket.destroy();
      kept.destroy();
    });

    it("passes events on as they come", async () => {
      const request = "GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";
      const began = Date.now();
      const { socket } = await converse(stack.port, request, /data: blue 2\n/);
      assert.ok(Date.now() - began < 2000, "three events of 0.1 s each");
      socket.destroy();
    });

    it("passes no other upgrade on", async () => {
      const request =
        "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n";
      const { socket, got } = await converse(stack.port, request, /blue$/);
      assert.match(got, /^HTTP\/1.1 200.*X-Seen-Upgrade: -\r\n/s);
      socket.destroy();
    });

    it("sends a canary by cookie, and gives the cookie only while there is one", async () => {
      assert.equal((await ask("/")).headers.get("set-cookie"), null);
      await stack.control("/state?canary=20", "PUT");
      for (const [bucket, color] of [
        ["0", "green"],
        ["19", "green"],
        ["20", "blue"],
        ["99", "blue"],
      ] as const) {
        const answer = await ask("/", { cookie: `bluegreen_bucket=${bucket}` });
        assert.equal(answer.headers.get("x-color"), color);
        assert.equal(answer.headers.get("set-cookie"), null);
      }
      const first = await ask("/");
      const cookie = /^bluegreen_bucket=\d+/.exec(first.headers.get("set-cookie") ?? "")?.[0] ?? "";
      assert.notEqual(cookie, "");
      const second = await ask("/", { cookie });
      assert.equal(second.headers.get("x-color"), first.headers.get("x-color"));
    });

    it("tests a slot out of visitors' sight", async () => {
      const counted = await stack.value("/counts", "green.requests");
      assert.match(
        await stack.control("/smoke?color=green&path=/health&json=%7B%22status%22%3A%22ok%22%7D"),
        /^ok \d+/,
      );
      assert.match(
        await stack.control("/smoke?color=green&path=/health&status=201"),
        /^failed status is 200/,
      );
      assert.match(
        await stack.control("/smoke?color=green&path=/slow/3&timeout=0.3"),
        /^failed no answer within 0.3 s/,
      );
      assert.equal(await stack.control("/slot/green/x"), "green");
      assert.equal(await stack.value("/counts", "green.requests"), counted);
      assert.equal((await ask("/state")).headers.get("x-color"), "blue", "the control API is not public");
    });

    it("shows the application's own figures to the host alone", async () => {
      assert.equal((await ask("/metrics")).status, 404);
      assert.equal((await ask("/metrics?x=1")).status, 404);
      assert.equal(await stack.control("/slot/blue/metrics"), "blue");
    });

    it("comes back on the right colour by itself after a kill, stale socket and all", async () => {
      await stack.setState("green");
      const pid = await docker("inspect", "--format", "{{.State.Pid}}", stack.container("gateway"));
      process.kill(Number(pid), "SIGKILL");
      await until("another Nginx runs", async () => {
        const now = await docker("inspect", "--format", "{{.State.Pid}}", stack.container("gateway"));
        return now !== pid && now !== "0";
      });
      await stack.untilServing();
      assert.equal((await ask("/")).headers.get("x-color"), "green");
      assert.equal(await stack.live(), "green");
    });

    it("loads a new configuration without losing the state, and proves it", async () => {
      await stack.setState("green");
      const before = await stack.value("/state", "config");
      const start = await readFile(stack.at("gateway/conf/start"), "utf8");
      const applied = await stack.apply({ rate: { requestsPerSecond: 1, burst: 2 } });
      assert.equal(applied.code, 0, applied.output);
      const now = await stack.value("/state", "config");
      assert.notEqual(now, before);
      assert.equal(applied.stdout, `config ${now}\n`);
      assert.equal(await stack.live(), "green");
      assert.equal(await readFile(stack.at("gateway/conf/start"), "utf8"), start);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => ask("/", { accept: "application/json" })),
      );
      const refused = answers.filter(({ status }) => status === 429);
      assert.ok(refused.length >= 10 && refused.length <= 17, `${refused.length} of 20 refused`);
      assert.equal(refused[0]?.headers.get("retry-after"), "1");
      for (const answer of refused) assert.match(await answer.text(), /too many requests/);
      assert.equal((await stack.apply({ readTimeoutSeconds: 1 })).code, 0);
    });

    it("loses no request over reloads, on new connections least of all", async () => {
      const failures: string[] = [];
      let [asked, over] = [0, false];
      const visit = async (request: string, answer: RegExp): Promise<void> => {
        while (!over) {
          asked++;
          const one = converse(stack.port, request, /\r\n\r\n[^]/);
          const got = await one.then(
            ({ socket, got }) => (socket.destroy(), got),
            (error: unknown) => String(error),
          );
          if (!answer.test(got)) failures.push(got.split("\r\n")[0] ?? "");
        }
      };
      const end = "Host: a\r\nConnection: close\r\n";
      const kinds: [string, RegExp][] = [
        [`GET /x HTTP/1.1\r\n${end}\r\n`, /^HTTP\/1\.1 200 [^]*blue$/],
        [`POST /x HTTP/1.1\r\n${end}Content-Length: 4\r\n\r\nbody`, /^HTTP\/1\.1 201 [^]*blue$/],
        [`${UPGRADE}ping`, /^HTTP\/1\.1 101 [^]*ping$/],
        [
          `GET /events HTTP/1.1\r\n${end}Accept: text/event-stream\r\n\r\n`,
          /^HTTP\/1\.1 200 [^]*data: blue 0/,
        ],
      ];
      const visits = kinds.flatMap(([request, answer]) => [visit(request, answer), visit(request, answer)]);
      try {
        for (let reload = 0; reload < 20; reload++)
          assert.equal((await stack.apply({ readTimeoutSeconds: 8 + (reload % 2) })).code, 0);
      } finally {
        // Nobody else ends them, and what they ask for goes away.
        over = true;
        await Promise.all(visits);
      }
      assert.equal((await stack.apply({ readTimeoutSeconds: 1 })).code, 0);
      assert.ok(asked > 500, `${asked} requests`);
      assert.deepEqual(failures.slice(0, 20), [], `${failures.length} of ${asked} requests`);
    });

    it("leaves everything as it was when Nginx rejects a configuration, and shows its line", async () => {
      const conf = stack.at("gateway/conf/nginx.conf");
      const before = await readFile(conf, "utf8");
      const bad = before.replace("server_tokens off;", "server_tokens maybe;");
      const applied = await stack.applyText(
        `cp -R '${stack.at("gateway/conf")}/.' "$1"\ncat >"$1/nginx.conf" <<'END'\n${bad}END\n`,
      );
      assert.equal(applied.code, 1);
      assert.match(applied.stderr, /nothing was changed: .*invalid value "maybe" .*nginx.conf:\d+/s);
      assert.equal(await readFile(conf, "utf8"), before);
      assert.equal((await ask("/")).status, 200);
    });

    it("puts a configuration that was changed by hand right", async () => {
      await stack.apply({ readTimeoutSeconds: 1 });
      const conf = stack.at("gateway/conf/nginx.conf");
      const right = await readFile(conf, "utf8");
      await writeFile(conf, "nonsense\n");
      assert.equal((await stack.apply({ readTimeoutSeconds: 1 })).code, 0);
      assert.equal(await readFile(conf, "utf8"), right);
    });

    it("comes back by itself when it is killed after a reload", async () => {
      assert.equal((await stack.apply({ readTimeoutSeconds: 3 })).code, 0);
      const pid = await docker("inspect", "--format", "{{.State.Pid}}", stack.container("gateway"));
      process.kill(Number(pid), "SIGKILL");
      const restarted = async () =>
        (await docker("inspect", "--format", "{{.RestartCount}}", stack.container("gateway"))).trim() !== "0";
      await until("the engine to start it again", restarted);
      await stack.untilServing();
      assert.equal((await stack.apply({ readTimeoutSeconds: 1 })).code, 0);
    });

    it("loads it again when what was changed by hand was loaded by hand too, under the same hash", async () => {
      const conf = stack.at("gateway/conf/nginx.conf");
      const right = await readFile(conf, "utf8");
      await writeFile(conf, right.replace('return 200 "ok\\n"', 'return 200 "by hand\\n"'));
      await docker(
        "exec",
        stack.container("gateway"),
        "nginx",
        "-c",
        "/etc/bluegreen/nginx.conf",
        "-s",
        "reload",
      );
      const health = async () => (await fetch(stack.url("/healthz"))).text();
      await until(
        "the changed configuration to be loaded",
        async () => (await health()) === "by hand\n",
        5000,
      );
      assert.equal((await stack.apply({ readTimeoutSeconds: 1 })).code, 0);
      await until(
        "the right configuration to be loaded again",
        async () => (await health()) === "ok\n",
        5000,
      );
    });
  });
});
