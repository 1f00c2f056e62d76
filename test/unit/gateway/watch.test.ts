import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installScripts } from "../../support/host-scripts.ts";
import { at } from "../../support/json.ts";
import { Running, run, runOk, until } from "../../support/process.ts";

const components = join(import.meta.dirname, "../../../components");
const LIMITS = { maxErrorPercent: 1, maxP99Ms: 0, worseErrorPercent: 1, worseP99Factor: 3, minRequests: 20 };

/** Requests, errors, and how many took at most 1, 2, 4 … ms. */
type Counts = readonly [requests: number, errors: number, ...buckets: number[]];
const NOTHING: Counts = [0, 0];
const filled = (counts: Counts): string =>
  [...counts, ...Array<number>(19 - counts.length).fill(0)].join(" ");

async function judge(
  limits: Partial<typeof LIMITS>,
  now: Counts,
  old: Counts = NOTHING,
): Promise<readonly string[]> {
  const lines = [
    ...Object.entries({ ...LIMITS, ...limits }).map(([key, value]) => `limit ${key} ${value}`),
    ...[
      `new.base ${filled(NOTHING)}`,
      `new.now ${filled(now)}`,
      `old.base ${filled(NOTHING)}`,
      `old.now ${filled(old)}`,
    ],
  ];
  const { stdout } = await runOk("awk", ["-f", join(components, "gateway/watch/judge.awk")], {
    input: `${lines.join("\n")}\n`,
  });
  return stdout.trim().split("\n");
}
const bad = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.startsWith("bad"));

describe("judge.awk", () => {
  it("finds errors past their limit, once there were enough requests", async () => {
    assert.deepEqual(bad(await judge({}, [100, 2])), ["bad 2.00 % of 100 requests failed, allowed are 1 %"]);
    assert.deepEqual(bad(await judge({}, [100, 1])), []);
    assert.deepEqual(bad(await judge({}, [19, 19])), []);
  });

  it("finds a p99 past its limit: the bucket that holds the slowest hundredth", async () => {
    const slow: Counts = [1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    assert.deepEqual(bad(await judge({ maxP99Ms: 256 }, slow)), [
      "bad 99 of 100 answers took up to 512 ms, allowed are 256 ms",
    ]);
    assert.deepEqual(bad(await judge({ maxP99Ms: 512 }, slow)), []);
    const few: Counts = [499, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    assert.deepEqual(bad(await judge({ maxP99Ms: 256 }, few)), [], "a hundredth of so few is four requests");
    assert.ok(
      (await judge({}, [1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10])).includes("newP99Ms 0"),
      "10 of 1000 are the rest",
    );
  });

  it("holds the new colour against the old one, where that had visitors too", async () => {
    const lines = await judge({ maxErrorPercent: 5 }, [100, 3], [1000, 5]);
    assert.deepEqual(bad(lines), [
      "bad 3.00 % of 100 requests failed, and 0.50 % of the other colour's in the same time",
    ]);
    assert.deepEqual(bad(await judge({ maxErrorPercent: 5 }, [100, 3], [10, 0])), []);
    const [slower, quick]: Counts[] = [
      [500, 0, 0, 0, 0, 0, 0, 0, 50],
      [500, 0, 0, 0, 0, 50],
    ];
    assert.deepEqual(bad(await judge({}, slower ?? NOTHING, quick)), [
      "bad 99 of 100 answers took up to 64 ms, and 8 ms of the other colour in the same time",
    ]);
    assert.deepEqual(bad(await judge({ worseP99Factor: 8 }, slower ?? NOTHING, quick)), []);
  });
});

describe("watch.sh", () => {
  let directory: string;
  let server: Server;
  let state: Record<string, string>;
  let counts: Record<"blue" | "green", Counts>;
  let path: string;
  /** What the colour of before answers at this path; 200 else. */
  let slotStatus: Readonly<Record<string, number>>;
  /** How often the counts were asked for. */
  let asked: number;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "watch-"));
    await mkdir(join(directory, "gateway/run"), { recursive: true });
    await mkdir(join(directory, "gateway/conf"));
    await installScripts(directory);
    await writeFile(
      join(directory, "bin/docker"),
      `#!/bin/sh
case "$*" in *.Created*api-blue) echo 2026-01-01T00:00:00.5Z; exit ;; esac
cat "${directory}/container" 2>/dev/null || { cat "${directory}/complaint" >&2; exit 1; }
`,
      { mode: 0o755 },
    );
    path = `${directory}/bin:${process.env["PATH"] ?? ""}`;
    await writeFile(join(directory, "container"), "api-green healthy 0\nworker-green healthy 0\n");
    slotStatus = {};
    asked = 0;
    state = { live: "green", canary: "0", "release.blue": "1", "release.green": "2" };
    counts = { blue: NOTHING, green: NOTHING };
    server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://gateway");
      response.statusCode = slotStatus[url.pathname] ?? 200;
      if (request.method === "PUT") for (const [key, value] of url.searchParams) state[key] = value;
      if (state["maintenance"] === "off") delete state["maintenance"];
      if (url.pathname === "/counts") asked++;
      response.end(url.pathname === "/counts" ? countLines() : stateLines());
    }).listen(join(directory, "gateway/run/control.sock"));
    await once(server, "listening");
  });
  afterEach(async () => {
    await watch("stop");
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const stateLines = () =>
    `${Object.entries(state)
      .map(([key, value]) => `${key} ${value}`)
      .join("\n")}\nconfig cafe\n`;
  const countLines = () =>
    (["blue", "green"] as const)
      .flatMap((color) => {
        const [requests, errors, ...buckets] = filled(counts[color]).split(" ");
        return [
          `${color}.requests ${requests}`,
          `${color}.errors ${errors}`,
          `${color}.buckets ${buckets.join(" ")}`,
        ];
      })
      .join("\n");
  const watch = (verb: string, input = "") =>
    run(join(directory, "bin/watch.sh"), [directory, verb], {
      env: { ...process.env, PATH: path },
      input,
      timeoutMs: 60_000,
    });
  const plan = (seconds: number): string =>
    [
      ...["color green", "release 2", "containers api-green worker-green", `seconds ${seconds}`],
      "watched live green;canary 0;release.blue 1;release.green 2",
      "back live blue;canary 0;release.blue 1;release.green 2",
      ...Object.entries(LIMITS).map(([key, value]) => `${key} ${value}`),
      "",
    ].join("\n");
  async function start(seconds = 60): Promise<void> {
    const started = await watch("start", plan(seconds));
    assert.match(started.stdout, /^watching green 2 \d+$/m, started.output);
  }
  async function verdict(): Promise<string> {
    await until(
      "there is a verdict",
      async () => (await watch("status")).stdout.startsWith("verdict"),
      20_000,
    );
    return (await watch("status")).stdout.trim();
  }

  /** Until the watch has looked at the counts twice more. */
  async function watched(): Promise<void> {
    const from = asked;
    await until("the watch has looked", () => asked >= from + 2);
  }

  it("sends the visitors back when the release errs, says why, and condemns it", async () => {
    await start();
    counts.green = [200, 10];
    assert.equal(await verdict(), "verdict bad 5.00 % of 200 requests failed, allowed are 1 %");
    assert.equal(state["live"], "blue");
    assert.match(await readFile(join(directory, "gateway/conf/start"), "utf8"), /^live blue$/m);
    assert.match(await readFile(join(directory, "gateway/condemned"), "utf8"), /^2 5\.00 % of 200/);
    const entry: unknown = JSON.parse(await readFile(join(directory, "ledger"), "utf8"));
    assert.deepEqual(
      Object.entries(entry ?? {}).filter(([key]) => ["event", "release", "verdict"].includes(key)),
      [
        ["event", "verdict"],
        ["release", "2"],
        ["verdict", "bad"],
      ],
    );
    assert.equal(typeof at(entry, "figures", "backMs"), "number");
  });

  it("sends the visitors back though the disk is full", async () => {
    for (const file of ["condemned", "conf/start.new"]) await mkdir(join(directory, "gateway", file));
    await start();
    counts.green = [200, 10];
    await until("the visitors are back", () => state["live"] === "blue", 10_000);
    await rm(join(directory, "gateway/conf/start.new"), { recursive: true });
    assert.equal(await verdict(), "verdict bad 5.00 % of 200 requests failed, allowed are 1 %");
    assert.match(await readFile(join(directory, "gateway/conf/start"), "utf8"), /^live blue$/m);
  });

  it("counts from its own beginning, and leaves a good release alone", async () => {
    counts.green = [1000, 1000];
    await start(3);
    counts.green = [2000, 1000];
    assert.equal(await verdict(), "verdict good held until its time was over");
    assert.equal(state["live"], "green");
  });

  it("judges nobody by too few requests, and does not call that good", async () => {
    await start(2);
    counts.green = [19, 19];
    assert.equal(
      await verdict(),
      "verdict unjudged held until its time was over, with 19 requests; it takes 20 to judge by",
    );
    assert.equal(state["live"], "green");
    assert.match(await readFile(join(directory, "ledger"), "utf8"), /"verdict":"unjudged"/);
  });

  it("finds an outage among all that went well before", async () => {
    // It begins before all of them, and its last minute after.
    server.on("request", ({ url }) => {
      if (url === "/counts" && counts.green === NOTHING) counts.green = [100_000, 0];
    });
    await start();
    await watched();
    counts.green = [100_100, 100];
    // Under the limit of all: 100 of 100,100.
    assert.match(await verdict(), /^verdict bad \d+\.\d\d % of \d+ requests failed within a minute/);
  });

  it("sends the visitors back from a container that is ill", async () => {
    await start();
    await writeFile(join(directory, "container"), "api-green healthy 0\nworker-green unhealthy 0\n");
    assert.equal(await verdict(), "verdict bad its container worker-green is unhealthy");
    assert.equal(state["live"], "blue");
  });

  it("leaves maintenance on where it sends visitors back", async () => {
    state["maintenance"] = "600";
    await start();
    await writeFile(join(directory, "container"), "api-green healthy 0\nworker-green unhealthy 0\n");
    assert.equal(await verdict(), "verdict bad its container worker-green is unhealthy");
    assert.equal(state["live"], "blue");
    assert.equal(state["maintenance"], "600");
  });

  it("condemns a container that is gone or was started again, and none of an engine that does not say", async () => {
    await rm(join(directory, "container"));
    await writeFile(join(directory, "complaint"), "Cannot connect to the Docker daemon. Is it running?");
    await start(3);
    assert.match(await verdict(), /^verdict unjudged /);
    await writeFile(join(directory, "complaint"), "Error: No such object: api-green");
    await start();
    assert.equal(await verdict(), "verdict bad its container api-green is gone");
    state["live"] = "green";
    await writeFile(join(directory, "container"), "api-green healthy 4\n");
    await start();
    await writeFile(join(directory, "container"), "api-green healthy 6\n");
    assert.equal(await verdict(), "verdict bad its container api-green was started again 2 times");
  });

  it("begins to count anew with a gateway that was started again", async () => {
    counts.green = [1000, 0];
    await start(8);
    counts.green = [10, 0];
    await watched();
    counts.green = [1020, 5];
    assert.equal(await verdict(), "verdict good held until its time was over");
    const [entry] = (await readFile(join(directory, "ledger"), "utf8")).trim().split("\n").slice(-1);
    assert.equal(at(JSON.parse(entry ?? ""), "figures", "newRequests"), 1020);
  });

  // Where the pages have a server of their own, "/" is theirs, and "/metrics" the application's.
  for (const path of ["/", "/metrics"]) {
    it(`leaves visitors where they are when nobody answers ${path} of the colour of before`, async () => {
      slotStatus = { [`/slot/blue${path}`]: 502 };
      await start();
      counts.green = [200, 10];
      assert.match(
        await verdict(),
        /^verdict failed 5\.00 % .*; visitors were not sent back: blue does not answer$/,
      );
      assert.equal(state["live"], "green");
      await assert.rejects(readFile(join(directory, "gateway/condemned")), /ENOENT/);
    });
  }

  it("takes any word of the application's for an answer", async () => {
    slotStatus = { "/slot/blue/": 503, "/slot/blue/metrics": 404 };
    await start();
    counts.green = [200, 10];
    assert.match(await verdict(), /^verdict bad /);
    assert.equal(state["live"], "blue");
  });

  for (const note of ["contracted", "contracting"]) {
    it(`sends nobody back to a release that a migration left without what it needs (${note})`, async () => {
      await start();
      await writeFile(join(directory, note), "2026-01-02T00:00:00Z 2 2\n");
      counts.green = [200, 10];
      assert.equal(
        await verdict(),
        "verdict failed 5.00 % of 200 requests failed, allowed are 1 %; visitors were not sent back: " +
          "release 1 on blue began 2026-01-01T00:00:00Z, before the migration of 2 took something away " +
          "(2026-01-02T00:00:00Z), and is not among those that work since: 2",
      );
      assert.equal(state["live"], "green");
      await assert.rejects(readFile(join(directory, "gateway/condemned")), /ENOENT/);
    });
  }

  for (const [what, note] of [
    ["is named", "2026-01-02T00:00:00Z 2 2 1"],
    ["began only afterwards", "2025-12-31T00:00:00Z 2 2"],
  ] as const) {
    it(`sends the visitors back to a release that ${what} when a migration took something away`, async () => {
      await writeFile(join(directory, "contracted"), `${note}\n`);
      await start();
      counts.green = [200, 10];
      assert.match(await verdict(), /^verdict bad /);
      assert.equal(state["live"], "blue");
    });
  }

  it("waits for another run's lock, and sends the visitors back then", async () => {
    const held = new Running("flock", [join(directory, "lock"), "sleep", "7"]);
    await until(
      "the lock is held",
      async () => (await run("flock", ["-n", join(directory, "lock"), "true"])).code !== 0,
    );
    // Its time is over before: a release that was found bad is not good for that.
    await start(2);
    counts.green = [200, 10];
    await held.done;
    assert.match(await verdict(), /^verdict bad 5\.00 %/);
    assert.equal(state["live"], "blue");
    const entry: unknown = JSON.parse(await readFile(join(directory, "ledger"), "utf8"));
    // A look for the lock gives up after 5 s, and the way back began with the first.
    assert.ok(Number(at(entry, "figures", "backMs")) > 5000, JSON.stringify(entry));
  });

  it("is not taken for one that runs by a pid that is somebody else's, and kills nobody", async () => {
    await start(1);
    assert.match(await verdict(), /^verdict unjudged/);
    await rm(join(directory, "gateway/watch/verdict"));
    await writeFile(join(directory, "gateway/watch/pid"), String(process.pid));
    assert.match((await watch("status")).stdout, /^verdict lost/);
    assert.equal((await watch("stop")).code, 0);
  });

  it("is over when visitors are sent elsewhere, and touches nothing then", async () => {
    await start();
    state["canary"] = "10";
    assert.match(
      await verdict(),
      /^verdict superseded visitors were sent elsewhere: live green, canary 10 %$/,
    );
    assert.equal(state["live"], "green");
  });

  it("outlives whoever started it, takes the place of an older one, and ends when told to", async () => {
    await start();
    await start();
    await watch("stop");
    assert.match((await watch("status")).stdout, /^verdict ended somebody ended the watch$/m);
    const verdicts = (await readFile(join(directory, "ledger"), "utf8")).trim().split("\n");
    assert.equal(verdicts.length, 2, "the older one's end, and this one's, each once");
  });

  it("says that it was cut off, and that there was none", async () => {
    assert.equal((await watch("status")).stdout, "none\n");
    await start();
    process.kill(Number(await readFile(join(directory, "gateway/watch/pid"), "utf8")), "SIGKILL");
    await until("it is gone", async () => (await watch("status")).stdout.startsWith("verdict lost"));
  });
});
