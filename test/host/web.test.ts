import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { type IncomingMessage, get } from "node:http";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import type { GatewaySettings } from "../../components/gateway/settings.ts";
import { docker, run, until } from "../support/process.ts";
import { type Color, GATEWAY_IMAGE, GatewayStack, colors, idle } from "./gatewayStack.ts";

const sample = (file: string) => fileURLToPath(new URL(`../../sample/web/${file}`, import.meta.url));
const ASSETS = { blue: "/assets/index-DiwrgT-_.js", green: "/assets/app-93ee93ee.js" } as const;
const YEAR = "public, max-age=31536000, immutable";

describe("a web server in each slot, on a real engine", function () {
  this.timeout(600_000);
  let stack: GatewayStack;
  const webs: string[] = [];

  /** The sample's web server, with the pages of one release; `config` is another nginx.conf for it. */
  async function startWeb(color: Color, name = `web-${color}`, config = sample("nginx.conf")): Promise<void> {
    const folder = stack.at("pages", color);
    await mkdir(path.join(folder, "assets"), { recursive: true });
    await writeFile(path.join(folder, "index.html"), `<p data-release="dev">page of ${color}</p>`);
    await writeFile(path.join(folder, ASSETS[color]), `asset of ${color}`);
    await chmod(stack.directory, 0o755);
    const mounts = [
      `${config}:/etc/nginx/nginx.conf:ro`,
      `${sample("start.sh")}:/srv/start.sh:ro`,
      `${folder}:/srv/web:ro`,
    ].flatMap((mount) => ["--volume", mount]);
    const how = ["--detach", "--name", stack.container(name), "--network", stack.name];
    const locked = ["--user", "101:101", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"];
    const release = ["--env", `RELEASE=${color}-1`];
    webs.push(stack.container(name));
    await docker("run", ...how, ...locked, ...release, ...mounts, GATEWAY_IMAGE, "/srv/start.sh");
  }

  const webOf = (color: Color, ...apiPaths: string[]) => ({
    [color]: { upstream: `${stack.container(`web-${color}`)}:8000`, apiPaths },
  });

  async function apply(web: GatewaySettings["web"]): Promise<void> {
    const applied = await stack.apply({ web });
    assert.equal(applied.code, 0, applied.output);
  }

  const untilPage = (color: Color) =>
    until(`the web server of ${color} answers`, async () =>
      (await stack.control(`/smoke?color=${color}&path=/&status=200`)).startsWith("ok "),
    );

  before(async () => {
    stack = await GatewayStack.make();
    for (const color of colors) await startWeb(color);
    const paths = ["/api", "/health"];
    await apply({ ...webOf("blue", ...paths), ...webOf("green", ...paths) });
    for (const color of colors) await untilPage(color);
  });

  /** Green serves from a server by the sample's configuration, with something else in one thing's place. */
  async function greenServes(name: string, instead: string, put: string): Promise<void> {
    const config = stack.at(`${name}.conf`);
    const ours = await readFile(sample("nginx.conf"), "utf8");
    await writeFile(config, ours.replaceAll(instead, put));
    await startWeb("green", name, config);
    const green = { upstream: `${stack.container(name)}:8000`, apiPaths: ["/api"] };
    await apply({ ...webOf("blue", "/api"), green });
    await untilPage("green");
    await stack.setState("green");
  }

  after(async () => {
    await run("docker", ["rm", "--force", ...webs]);
    await stack.remove();
  });

  /** Over a connection of its own: a kept one would go on meeting the worker of before a reload. */
  async function ask(where: string, headers: Record<string, string> = {}) {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(stack.url(where), { agent: false, headers }, resolve).on("error", reject);
    });
    const header = (name: string) => String(answer.headers[name] ?? "none");
    return {
      status: answer.statusCode,
      text: await text(answer),
      color: header("x-color"),
      release: header("x-release"),
      requestId: header("x-request-id"),
      cache: header("cache-control"),
      etag: header("etag"),
      retryAfter: header("retry-after"),
    };
  }

  /** Asks while a hold lasts, which ends once all of them wait. */
  async function askHeld(wheres: readonly string[]) {
    const hold = await stack.control("/hold?seconds=20", "PUT");
    const answers = wheres.map((where) => ask(where));
    await until("all wait", async () => Number(await stack.value("/hold", "held")) === wheres.length);
    await stack.control(`/hold?until=${/\d+/.exec(hold)?.[0]}`, "DELETE");
    return await Promise.all(answers);
  }

  for (const color of colors) {
    describe(`with ${color} live`, () => {
      beforeEach(async () => {
        await stack.setState(color);
      });

      it("answers every path with the page, but the API's, and says the colour", async () => {
        for (const where of ["/", "/index.html", "/some/where?a=%2Fb", "/apiary"]) {
          const got = await ask(where);
          assert.equal(got.text, `<p data-release="${color}-1">page of ${color}</p>`, where);
          assert.deepEqual([got.status, got.color], [200, color]);
        }
        for (const where of ["/api", "/api/", "/api/x?y=1", "/health"])
          assert.doesNotMatch((await ask(where)).text, /page/, where);
        assert.equal((await ask("/api/x")).text, color);
        assert.equal((await ask("/metrics")).status, 404);
      });

      it("lets no page be kept, and every asset for a year", async () => {
        const page = await ask("/");
        assert.equal(page.cache, "no-cache");
        const again = await ask("/", { "if-none-match": page.etag });
        assert.deepEqual([again.status, again.cache], [304, "no-cache"]);
        const asset = await ask(ASSETS[color]);
        assert.deepEqual([asset.status, asset.text, asset.cache], [200, `asset of ${color}`, YEAR]);
        // What was kept stays as it was kept.
        const same = await ask(ASSETS[color], { "if-none-match": asset.etag });
        assert.deepEqual([same.status, same.cache], [304, "none"]);
      });

      it("says itself what it says, on every way to an application that says otherwise", async () => {
        const wheres = ["/api/x", "/health", "/api/file-93ee93ee.png"];
        const waited = await askHeld(wheres);
        for (const got of [...waited, ...(await Promise.all(wheres.map((where) => ask(where))))]) {
          assert.deepEqual([got.status, got.color, got.release], [200, color, color === "blue" ? "1" : "2"]);
          assert.match(got.requestId, /^[0-9a-f]{32}$/);
        }
      });

      it("makes nothing public of what the application says is not, whatever its name", async () => {
        for (const [where, cache] of [
          ["/api/file-93ee93ee.png", YEAR],
          ["/api/file-93ee93ee.png?cache-control=max-age%3D60", YEAR],
          ["/api/file-93ee93ee.png?cache-control=private%2C%20no-store", "private, no-store"],
          ["/api/file-93ee93ee.png?cache-control=max-age%3D60&cache-control=Private", "max-age=60, Private"],
          ["/api/file-93ee93ee.png?set-cookie=a%3Db", "none"],
          ["/api/file-93ee93ee.png?set-cookie=a%3Db&cache-control=max-age%3D60", "max-age=60"],
          ["/api/page/file-93ee93ee.js", "no-cache"],
          ["/api/page/file-93ee93ee.js?cache-control=no-store", "no-store"],
          ["/api/550e8400-e29b-41d4-a716-446655440000.png", "none"],
        ] as const) {
          const got = await ask(where);
          assert.deepEqual([got.status, got.cache], [200, cache], where);
        }
      });

      it("has the other colour's assets too, for a page that was open at the flip", async () => {
        const asset = await ask(ASSETS[idle(color)]);
        assert.deepEqual([asset.status, asset.text, asset.cache], [200, `asset of ${idle(color)}`, YEAR]);
        assert.equal(asset.color, color);
        const neither = await ask("/assets/app-deadbeef.js");
        assert.equal(neither.status, 404);
        assert.notEqual(neither.cache, YEAR);
      });

      it("keeps visitors of every part waiting while a hold lasts, and each gets its own answer then", async () => {
        const answers = await askHeld(["/", "/api/x", ASSETS[color], ASSETS[idle(color)]]);
        assert.deepEqual(
          answers.map(({ status, text: body, cache }) => [status, body, cache]),
          [
            [200, `<p data-release="${color}-1">page of ${color}</p>`, "no-cache"],
            [200, color, "none"],
            [200, `asset of ${color}`, YEAR],
            [200, `asset of ${idle(color)}`, YEAR],
          ],
        );
      });

      it("shows the page of maintenance, whatever part was asked", async () => {
        await stack.setState(color, 0, 60);
        for (const where of ["/", "/api/x", ASSETS[color]]) {
          const got = await ask(where);
          assert.deepEqual([got.status, got.cache, got.retryAfter], [503, "no-store", "60"], where);
        }
      });

      it("counts each request once, for the visitor's colour", async () => {
        const counts = async () =>
          await Promise.all(
            ["requests", "errors", "open"].map(async (what) =>
              Number(await stack.value("/counts", `${color}.${what}`)),
            ),
          );
        const [before = 0] = await counts();
        for (const where of ["/", ASSETS[color], ASSETS[idle(color)], "/assets/app-deadbeef.js"])
          await ask(where);
        await until("all are counted", async () => (await counts())[0] === before + 4);
        const [, errors, open] = await counts();
        assert.deepEqual([errors, open], [0, 0]);
      });

      it("is smoke-tested by path: the page at the web server, the rest at the API", async () => {
        const json = encodeURIComponent('{"status":"ok"}');
        const smoke = (where: string) =>
          stack.control(`/smoke?color=${idle(color)}&path=${where}&status=200`);
        assert.match(await smoke("/"), /^ok /);
        assert.match(await smoke(`/health&json=${json}`), /^ok /);
        assert.match(await stack.control(`/slot/${idle(color)}/`), new RegExp(`page of ${idle(color)}`));
        assert.equal(await stack.control(`/slot/${color}/metrics`), color);
      });
    });
  }

  // In a block of its own: mocha runs those that stand alone before all blocks.
  describe("with other paths in each slot", () => {
    it("changes nothing for the colour without a web server, and routes the other by its own", async () => {
      await apply(webOf("green", "/v2"));
      await stack.setState("blue");
      for (const where of ["/", "/api/x", "/v2"]) assert.equal((await ask(where)).text, "blue", where);
      // The page of green, open when the way back was taken.
      assert.equal((await ask(ASSETS.green)).text, "blue", "the application has an answer for every path");
      await stack.setState("green");
      assert.match((await ask("/api/x")).text, /page of green/);
      assert.equal((await ask("/v2/x")).text, "green");
      assert.equal((await ask(ASSETS.blue)).status, 404);
    });
  });

  describe("with an image that would have its pages kept", () => {
    it("lets nobody keep them, when they are asked for again neither", async () => {
      await greenServes("web-kept", 'Cache-Control "no-cache"', 'Cache-Control "max-age=3600"');
      const page = await ask("/");
      assert.deepEqual([page.status, page.cache], [200, "no-cache"]);
      const again = await ask("/", { "if-none-match": page.etag });
      assert.deepEqual([again.status, again.cache], [304, "no-cache"]);
      assert.equal((await ask("/api/x?cache-control=max-age%3D3600")).cache, "max-age=3600");
    });
  });

  describe("with an image that answers its page for whatever is not there", () => {
    it("lets nobody keep the page under the name of the other colour's asset", async () => {
      await greenServes("web-fallback", "location /assets/ {", "location /nowhere/ {");
      const page = await ask(ASSETS.blue);
      assert.deepEqual([page.status, page.cache], [200, "no-cache"]);
      assert.match(page.text, /page of green/);
      const again = await ask(ASSETS.blue, { "if-none-match": page.etag });
      assert.deepEqual([again.status, again.cache], [304, "none"]);
      assert.equal((await ask(ASSETS.green)).cache, YEAR);
      // Back: who asked for it then, gets it now.
      await stack.setState("blue");
      const asset = await ask(ASSETS.blue, { "if-none-match": page.etag });
      assert.deepEqual([asset.status, asset.text, asset.cache], [200, "asset of blue", YEAR]);
    });
  });
});
