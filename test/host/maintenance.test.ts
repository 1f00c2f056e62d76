import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";

import { HELD_REQUEST_KB } from "../../components/gateway/most-held.ts";
import { docker, until } from "../support/process.ts";
import { GatewayStack, colors, converse, reading, UPGRADE } from "./gatewayStack.ts";

const EVENTS = "GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";
const MOST_HELD = 300;
const SECRET = "0123456789abcdef".repeat(3);

describe("maintenance and holds on a real engine", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  before(async () => {
    stack = await GatewayStack.make({ bodyLimitMb: 2, mostHeld: MOST_HELD, streamIdleSeconds: 60 });
    await until("both applications answer", async () => {
      const answers = await Promise.all(colors.map((color) => stack.control(`/slot/${color}/x`)));
      return answers.join() === "blue,green";
    });
  });
  after(async () => {
    await stack.remove();
  });

  const ask = async (where: string, init: RequestInit = {}): Promise<Response> =>
    await fetch(stack.url(where), init);

  describe("maintenance", () => {
    beforeEach(async () => {
      await writeFile(stack.at("gateway/conf/bypass"), `${SECRET}\n`);
      await stack.setState("blue", 0, 600);
    });
    afterEach(async () => {
      await stack.setState("blue");
      await rm(stack.at("gateway/conf/bypass"));
    });

    for (const [what, where, init] of [
      ["a page", "/x", {}],
      ["a write", "/x", { method: "POST", body: "x".repeat(1_000_000) }],
      ["a file with a hash in its name", "/static/app-8f3a2b1c.js", {}],
      ["an event stream", "/events", { headers: { accept: "text/event-stream" } }],
    ] as const) {
      it(`answers ${what} with the page, when to come again, and not to keep it`, async () => {
        const answer = await ask(where, init);
        assert.equal(answer.status, 503);
        const { headers } = answer;
        assert.deepEqual(
          ["retry-after", "cache-control", "content-type", "x-color"].map((name) => headers.get(name)),
          ["600", "no-store", "text/html; charset=utf-8", null],
        );
        assert.match(await answer.text(), /Back soon/);
      });
    }

    it("answers programs in JSON, itself as ever, and the host's questions", async () => {
      const answer = await ask("/x", {
        headers: { accept: "application/json", "x-request-id": "abcdefgh-1" },
      });
      assert.deepEqual(await answer.json(), {
        error: "closed for maintenance",
        status: 503,
        requestId: "abcdefgh-1",
      });
      assert.equal((await ask("/healthz")).status, 200);
      assert.equal(await stack.value("/state", "maintenance"), "600");
      assert.equal(await stack.control("/slot/blue/x"), "blue");
      assert.match(await stack.control("/smoke?color=blue&path=/health"), /^ok /);
    });

    it("needs no application, and outlives the gateway", async () => {
      await Promise.all(colors.map((color) => docker("pause", stack.container(color))));
      try {
        assert.equal((await ask("/x")).status, 503);
        await docker("restart", "--time", "0", stack.container("gateway"));
        await stack.untilServing();
        const answer = await ask("/x");
        assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "600"]);
      } finally {
        await Promise.all(colors.map((color) => docker("unpause", stack.container(color))));
      }
    });

    it("lets go on what is open", async () => {
      await stack.setState("blue");
      const websocket = (await converse(stack.port, UPGRADE, /\r\n\r\n/)).socket;
      const events = (await converse(stack.port, EVENTS, /data: blue 1\n/)).socket;
      const slow = ask("/slow/1");
      await until(
        "the slow one is on its way",
        async () => Number(await stack.value("/counts", "blue.open")) >= 3,
      );
      await stack.setState("blue", 0, 600);
      assert.equal((await ask("/x")).status, 503);
      websocket.write("still there");
      assert.match(await reading(websocket, /still there/), /still there/);
      await reading(events, /data/);
      assert.equal((await slow).status, 200);
      websocket.destroy();
      events.destroy();
    });

    it("lets the team in by a header, which the application does not see", async () => {
      const answer = await ask("/x?a=%2Fb", { headers: { "x-bluegreen-bypass": SECRET } });
      assert.deepEqual(
        [
          answer.status,
          await answer.text(),
          answer.headers.get("x-color"),
          answer.headers.get("x-seen-bypass"),
        ],
        [200, "blue", "blue", "-"],
      );
      assert.equal(answer.headers.get("x-seen-path"), "/x?a=%2Fb");
      for (const wrong of [SECRET.slice(1), "undefined", `${SECRET}0`])
        assert.equal((await ask("/x", { headers: { "x-bluegreen-bypass": wrong } })).status, 503);
    });

    it("lets the team in by the link, and tells its log nothing", async () => {
      const page = await ask("/.bluegreen/bypass");
      assert.equal(page.status, 200);
      assert.match(await page.text(), /location\.hash/);
      assert.equal((await ask("/.bluegreen/bypass", { method: "POST" })).status, 403);
      const opened = await ask("/.bluegreen/bypass", {
        method: "POST",
        headers: { "x-bluegreen-bypass": SECRET },
      });
      assert.equal(opened.status, 204);
      const cookie = opened.headers.get("set-cookie") ?? "";
      assert.match(cookie, /^bluegreen_bypass=\w+; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax$/);
      const headers = { cookie: `a=b; ${cookie.split(";")[0] ?? ""}` };
      assert.equal(await (await ask("/x", { headers })).text(), "blue");
      const body = "y".repeat(1_500_000);
      const hash = createHash("sha256").update(body).digest("hex");
      assert.equal(await (await ask("/hash", { method: "POST", body, headers })).text(), `blue ${hash}`);
      await stack.setState("green", 0, 600);
      assert.equal(await (await ask("/x", { headers })).text(), "green");
      assert.doesNotMatch(await docker("logs", stack.container("gateway")), new RegExp(SECRET));
    });

    it("has no way in without a secret, nor a link once it is over", async () => {
      await writeFile(stack.at("gateway/conf/bypass"), "\n");
      for (const sent of ["", "undefined", "\t"])
        assert.equal((await ask("/x", { headers: { "x-bluegreen-bypass": sent } })).status, 503);
      await stack.setState("blue");
      assert.equal((await ask("/.bluegreen/bypass")).status, 404);
    });

    it("counts nothing for the colour that nobody reached", async () => {
      const before = await stack.control("/counts");
      await ask("/x");
      assert.equal(await stack.control("/counts"), before);
    });
  });

  describe("a hold", () => {
    beforeEach(async () => {
      await stack.setState("blue");
    });
    const hold = async (seconds: number): Promise<number> => {
      const answer = await stack.control(`/hold?seconds=${seconds}`, "PUT");
      const until = Number(/^until (\d+)$/m.exec(answer)?.[1]);
      assert.ok(until > Date.now(), answer);
      return until;
    };
    const held = async (count: number): Promise<void> => {
      await until(`${count} wait`, async () => Number(await stack.value("/hold", "held")) === count);
    };
    const letGo = (until: number): Promise<string> => stack.control(`/hold?until=${until}`, "DELETE");

    it("keeps requests of every kind waiting, and they arrive as they came", async () => {
      const until = await hold(20);
      const body = "z".repeat(1_500_000);
      const get = ask("/x?a=%2Fb", { headers: { "x-request-id": "held-one-1" } });
      const post = ask("/hash", { method: "POST", body });
      const asset = ask("/static/app-8f3a2b1c.js");
      const websocket = converse(stack.port, UPGRADE, /\r\n\r\n/);
      const events = converse(stack.port, EVENTS, /data: blue 1\n/);
      await held(5);
      assert.equal((await ask("/healthz")).status, 200);
      await letGo(until);
      const got = await get;
      assert.deepEqual(
        [
          got.status,
          got.headers.get("x-seen-path"),
          got.headers.get("x-seen-request-id"),
          got.headers.get("x-color"),
          got.headers.get("x-release"),
        ],
        [200, "/x?a=%2Fb", "held-one-1", "blue", "1"],
      );
      assert.doesNotMatch(got.headers.get("x-seen-address") ?? "", /^127/);
      assert.equal(await (await post).text(), `blue ${createHash("sha256").update(body).digest("hex")}`);
      assert.equal((await asset).headers.get("cache-control"), "public, max-age=31536000, immutable");
      const { socket } = await websocket;
      socket.write("hello");
      await reading(socket, /hello/);
      socket.destroy();
      (await events).socket.destroy();
      assert.equal(await stack.value("/hold", "until"), "none");
    });

    it("ends by itself, and costs the next visitors nothing", async () => {
      const began = Date.now();
      await hold(2);
      const [first] = await Promise.all([ask("/x"), ask("/x")]);
      assert.equal(first.status, 200);
      const took = Date.now() - began;
      assert.ok(took >= 1990 && took < 3500, `${took} ms`);
      const before = await stack.value("/hold", "held");
      assert.equal(await (await ask("/x")).text(), "blue");
      assert.deepEqual([before, await stack.value("/hold", "held")], ["2", "2"]);
    });

    it("lets go in the order in which they came, to whoever is live then", async () => {
      // A millisecond apart, and the machine has other work: it can hide the order, yet never make it. By chance the
      // mean would be 10.
      const orders: string[] = [];
      for (let round = 0, mean = Infinity; mean >= 4; round++) {
        assert.ok(round < 8, orders.join("\n"));
        const [live, next] = round % 2 === 0 ? (["blue", "green"] as const) : (["green", "blue"] as const);
        await stack.setState(live);
        const until = await hold(20);
        const asked: Promise<Response>[] = [];
        for (let number = 0; number < 30; number++) {
          asked.push(ask(`/x?${number}`));
          await held(number + 1);
        }
        await stack.setState(next);
        await letGo(until);
        const answers = await Promise.all(asked);
        assert.deepEqual(
          [...new Set(answers.map((one) => `${one.status} ${one.headers.get("x-color")}`))],
          [`200 ${next}`],
        );
        const arrived = answers
          .map((one, number) => ({ number, at: Number(one.headers.get("x-seen-at")) }))
          .sort((a, b) => a.at - b.at)
          .map(({ number }) => number);
        orders.push(arrived.join());
        const strayed = arrived.map((number, place) => Math.abs(number - place));
        mean = strayed.reduce((sum, one) => sum + one, 0) / strayed.length;
      }
    });

    it("answers 503 when more would wait than the gateway has room for, and is one at a time", async () => {
      const until = await hold(20);
      const asked = Array.from({ length: MOST_HELD + 20 }, () => ask("/x"));
      await held(MOST_HELD + 20);
      assert.match(await stack.control("/hold?seconds=5", "PUT"), /held already/);
      assert.match(await letGo(until + 1), /^until \d+/, "another hold's end does not end it");
      await letGo(until);
      const answers = await Promise.all(asked);
      assert.equal(answers.filter(({ status }) => status === 200).length, MOST_HELD);
      const refused = answers.filter(({ status }) => status === 503);
      assert.equal(refused.length, 20);
      for (const one of refused) assert.ok(Number(one.headers.get("retry-after")) <= 20);
    });

    it("takes less memory for each who waits than the limit reckons with", async () => {
      const megabytes = async (): Promise<number> => {
        const used = await docker(
          "stats",
          "--no-stream",
          "--format",
          "{{.MemUsage}}",
          stack.container("gateway"),
        );
        const [, number, unit] = /^([\d.]+)(MiB|KiB|GiB)/.exec(used) ?? [];
        return Number(number) * (unit === "KiB" ? 1 / 1024 : unit === "GiB" ? 1024 : 1);
      };
      const before = await megabytes();
      await hold(20);
      const asked = Array.from({ length: MOST_HELD }, () => ask("/x"));
      await held(MOST_HELD);
      // Each look of those who wait costs some: what counts is what they have used at the end.
      let most = 0;
      while ((await stack.value("/hold", "until")) !== "none") most = Math.max(most, await megabytes());
      const each = ((most - before) * 1024) / MOST_HELD;
      assert.ok((await Promise.all(asked)).every(({ status }) => status === 200));
      assert.ok(each < HELD_REQUEST_KB, `${each.toFixed(1)} kB each, ${before} to ${most} MB`);
    });

    it("refuses longer ones, and one while maintenance is on", async () => {
      assert.match(await stack.control("/hold?seconds=31", "PUT"), /allowed are 1 to 30/);
      await stack.setState("blue", 0, 600);
      assert.match(await stack.control("/hold?seconds=5", "PUT"), /maintenance is on/);
    });

    it("turns into maintenance for those who wait, where that is turned on meanwhile", async () => {
      const until = await hold(20);
      const waiting = ask("/x");
      await held(1);
      await stack.setState("blue", 0, 600);
      await letGo(until);
      assert.equal((await waiting).status, 503);
    });
  });
});
