import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installScripts } from "../../support/host-scripts.ts";
import { freePort } from "../../support/ports.ts";
import { type Result, run } from "../../support/process.ts";

type Color = "blue" | "green";
const other = (color: Color): Color => (color === "blue" ? "green" : "blue");

/** Answers as the engine does: what a file of the container's name says of it. */
const DOCKER = `#!/bin/sh
for name; do :; done
cat "$STUB/containers/$name" 2>/dev/null || { echo "Error: No such container: $name" >&2; exit 1; }
`;

describe("switch.sh", () => {
  let directory: string;
  let servers: readonly Server[];
  let port: number;
  let state: Record<string, string>;
  /** The colours that fail their smoke checks. */
  let failing: readonly Color[];
  /** Who answers from outside, whatever the gateway was told. */
  let stuck: Color | undefined;
  /** What a colour answers at this path; 200 else. */
  let slotStatus: Readonly<Record<string, number>>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "switch-"));
    for (const folder of ["gateway/run", "gateway/conf", "containers"])
      await mkdir(join(directory, folder), { recursive: true });
    await installScripts(directory);
    await writeFile(join(directory, "bin/docker"), DOCKER, { mode: 0o755 });
    await is("blue", "running healthy");
    await is("green", "running healthy");
    state = { live: "blue", canary: "0", "release.blue": "1", "release.green": "2" };
    failing = [];
    stuck = undefined;
    slotStatus = {};
    port = await freePort();
    const control = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://gateway");
      const kept = [...searchParams].filter(([key]) => key in state);
      if (request.method === "PUT") state = { ...state, ...Object.fromEntries(kept) };
      response.statusCode = slotStatus[pathname] ?? 200;
      response.end(answer(pathname, searchParams));
    }).listen(join(directory, "gateway/run/control.sock"));
    // Every visitor is bucket 99.
    const outside = createServer((_, response) => {
      const live = state["live"] === "green" ? "green" : "blue";
      response.setHeader("X-Color", stuck ?? (state["canary"] === "100" ? other(live) : live)).end();
    }).listen(port, "127.0.0.1");
    servers = [control, outside];
    await Promise.all(servers.map((server) => once(server, "listening")));
  });
  afterEach(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(directory, { recursive: true, force: true });
  });

  function answer(pathname: string, query: URLSearchParams): string {
    if (pathname === "/smoke")
      return failing.some((color) => color === query.get("color")) ? "failed status is 502" : "ok 1";
    const lines =
      pathname === "/state"
        ? { ...state, config: "cafe" }
        : { "blue.requests": 0, "blue.errors": 0, "green.requests": 0, "green.errors": 0 };
    return Object.entries(lines)
      .map(([key, value]) => `${key} ${value}\n`)
      .join("");
  }
  const release = (color: Color): number => (color === "blue" ? 1 : 2);
  const is = (color: Color, health: string) =>
    writeFile(
      join(directory, `containers/api-${color}`),
      `${health} sha256:${color} app:${release(color)} ${release(color)}\n`,
    );
  function asked(target: Color, canary: number): Promise<Result> {
    const container = (color: Color) => `api-${color} app:${release(color)} ${release(color)}`;
    const plan = {
      target,
      canary,
      "release.blue": 1,
      "release.green": 2,
      container: container(target),
      ...(canary > 0 && { canaryContainer: container(other(target)) }),
      smoke: "path=/health&status=200",
      public: `http://127.0.0.1:${port}/health`,
      bakeSeconds: 0,
      healthWaitSeconds: 0,
      smokeWaitSeconds: 0,
      proofWaitSeconds: 1,
    };
    const input = Object.entries(plan)
      .map(([key, value]) => `${key} ${value}\n`)
      .join("");
    const env = { ...process.env, PATH: `${directory}/bin:${process.env["PATH"] ?? ""}`, STUB: directory };
    return run(join(directory, "bin/switch.sh"), [directory], { env, input, timeoutMs: 60_000 });
  }

  it("sends a share of the visitors to the other slot, which was checked and smoke-tested", async () => {
    const done = await asked("blue", 10);
    assert.equal(done.code, 0, done.output);
    assert.deepEqual([state["live"], state["canary"]], ["blue", "10"]);
    assert.match(
      done.stderr,
      /check: 1 containers of blue and 1 of green healthy, image and release as planned/,
    );
    assert.match(done.stderr, /smoke: 1 checks of blue and of green passed/);
  });

  const ills: Readonly<Record<string, readonly [ail: () => Promise<void>, said: string]>> = {
    "has died": [() => is("green", "exited unhealthy"), "container api-green is exited, health unhealthy"],
    "is gone": [
      () => rm(join(directory, "containers/api-green")),
      "container api-green: Error: No such container: api-green",
    ],
    "runs another release": [
      () => writeFile(join(directory, "containers/api-green"), "running healthy sha256:green app:2 3\n"),
      'container api-green has release "3", the plan says "2"',
    ],
    "fails a smoke check": [
      () => {
        failing = ["green"];
        return Promise.resolve();
      },
      "smoke check path=/health of green: failed status is 502",
    ],
  };
  for (const [what, [ail, said]] of Object.entries(ills)) {
    it(`sends no share to a slot that ${what}, and leaves all as it was`, async () => {
      await ail();
      const refused = await asked("blue", 10);
      assert.equal(refused.code, 1, refused.output);
      assert.ok(
        refused.stderr.includes(
          `${said}. green is to get 10 % of the visitors; with canary 0 it is not asked. Nothing was changed, live is still: blue`,
        ),
        refused.stderr,
      );
      assert.deepEqual([state["live"], state["canary"]], ["blue", "0"]);
      await assert.rejects(readFile(join(directory, "gateway/conf/start")), "nothing was written");
    });
  }

  it("asks the colour that a flip leaves a share to, too", async () => {
    await is("blue", "exited unhealthy");
    const refused = await asked("green", 10);
    assert.match(
      refused.stderr,
      /api-blue is exited, .*\. blue is to get 10 % of the visitors; .*\. Nothing was/,
    );
    assert.equal(state["live"], "blue");
    const flipped = await asked("green", 0);
    assert.equal(flipped.code, 0, flipped.output);
  });

  for (const [from, to, code] of [
    [10, 0, 0],
    [50, 10, 0],
    [10, 10, 1],
    [10, 50, 1],
  ] as const) {
    it(`${code === 0 ? "takes" : "does not take"} the share of a slot that is ill from ${from} to ${to} %`, async () => {
      state["canary"] = String(from);
      await is("green", "exited unhealthy");
      failing = ["green"];
      const done = await asked("blue", to);
      assert.equal(done.code, code, done.output);
      assert.equal(state["canary"], String(code === 0 ? to : from));
    });
  }

  it("undoes a flip that is not proven, where the colour of before answers whatever it likes", async () => {
    stuck = "blue";
    slotStatus = { "/slot/blue/": 503, "/slot/blue/metrics": 404 };
    const undone = await asked("green", 0);
    assert.equal(undone.code, 1, undone.output);
    assert.match(
      undone.stderr,
      /asked from outside, 0 of 5 .*Undone: blue is live again, proven from outside/,
    );
    assert.equal(state["live"], "blue");
  });

  // Where the pages have a server of their own, "/" is theirs, and "/metrics" the application's; the smoke check asks one of both.
  for (const path of ["/", "/metrics"]) {
    it(`does not go back to a colour of which nobody answers ${path}`, async () => {
      stuck = "blue";
      slotStatus = { [`/slot/blue${path}`]: 502 };
      const failed = await asked("green", 0);
      assert.equal(failed.code, 1, failed.output);
      assert.match(
        failed.stderr,
        /Not undone: blue, which was live before, does not answer; green stays live/,
      );
      assert.equal(state["live"], "green");
    });
  }

  it("takes no plan that does not say what runs there", async () => {
    const plan = `target blue\ncanary 10\npublic http://127.0.0.1:${port}/\ncontainer api-blue app:1 1\n`;
    const refused = await run(join(directory, "bin/switch.sh"), [directory], { input: plan });
    assert.match(refused.stderr, /plan: no canaryContainer line/);
  });
});
