import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { parseLedger } from "../../components/ledger/entry.ts";
import { EXIT } from "../../release/outcome.ts";
import { startLoad } from "../support/load/load.ts";
import { at } from "../support/json.ts";
import { until } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { pauseOn } from "../support/target.ts";
import { withoutLoss } from "../support/visitors.ts";
import { gentle, itHere, liveOf, nothingToDo, other, sharedStack } from "./shared.ts";

describe("maintenance and holds", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });
  // Whoever comes next expects an open house, whatever failed here.
  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    const { maintenance, ...open } = stack.lastGood;
    if (maintenance !== undefined) stack.lastGood = open;
  });

  const ask = (where = "/version", init: RequestInit = {}): Promise<Response> =>
    fetch(`${stack.url}${where}`, init);
  const closed = async (): Promise<void> => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask("/items", { method: "POST", body: "{}" })),
    );
    for (const answer of [await ask(), ...answers]) {
      assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "90"]);
    }
  };
  const ids = async (): Promise<string> =>
    await stack.docker("ps", "--no-trunc", "--quiet", "--filter", `label=bluegreen.stack=${stack.name}`);

  it("shows everybody but the team the page, over restarts and flips, until it is turned off", async () => {
    const before = await ids();
    const kinds = { ...gentle, websocket: { clients: 2 }, stream: { clients: 2 } };
    const load = await startLoad({ url: stack.url, kinds, expect: [liveOf(stack)] });
    try {
      await until("visitors of every kind are there", async () => {
        const { websockets, streams, requests } = await load.report();
        return websockets.open === 2 && streams.open === 2 && requests > 50;
      });
      const open = await load.report();
      assert.equal(open.failed, 0);
      const on = await stack.bluegreen("maintenance", "on");
      assert.equal(on.code, EXIT.done, on.output);
      const answered = async (): Promise<number> =>
        Object.values((await load.report()).byColor).reduce((sum, { count }) => sum + count, 0);
      const letIn = await answered();
      const refused = (await load.report()).failed;
      await until("a hundred more were refused", async () => (await load.report()).failed > refused + 100);
      // Those that were on their way when it was turned on may have ended since.
      assert.ok((await answered()) - letIn <= 10, "nobody was let in");
      const after = await load.stop();
      assert.deepEqual([after.websockets.cut, after.streams.cut], [0, 0], "what is open goes on");
      for (const error of Object.keys(after.errors)) assert.match(error, /503/);
    } finally {
      load.close();
    }
    const more = await stack.bluegreen("maintenance", "on", "--retry-after", "90s", "--by", "Anna");
    assert.equal(more.code, EXIT.done, more.output);
    await closed();
    await nothingToDo(stack);
    assert.match((await stack.bluegreen("status")).stdout, /maintenance {2}on/);
    assert.equal((await stack.bluegreen("doctor")).code, EXIT.done);

    const link = (await stack.bluegreen("maintenance", "link")).stdout.trim();
    const secret = link.split("#")[1] ?? "";
    assert.match(secret, /^[0-9a-f]{48}$/);
    const opened = await ask("/.bluegreen/bypass", {
      method: "POST",
      headers: { "x-bluegreen-bypass": secret },
    });
    assert.equal(opened.status, 204);
    const headers = { cookie: opened.headers.get("set-cookie")?.split(";")[0] ?? "" };
    assert.equal((await ask("/version", { headers })).status, 200);

    await stack.docker("restart", "--time", "0", stack.container("gateway"));
    await until("the gateway answers", async () => (await ask().catch(() => undefined))?.status === 503);
    await closed();

    stack.set({ maintenance: undefined });
    const deploy = await stack.bluegreen("deploy", "--image", "api=other:1", "--by", "Ben");
    assert.equal(deploy.code, EXIT.refused, deploy.output);
    assert.match(deploy.output, /says maintenance: off, and maintenance: on \(90 s\) is brought up/);
    const restored = await stack.bluegreen("rollback", "--by", "Ben");
    assert.equal(restored.code, EXIT.done, restored.output);
    assert.equal(at(stack.config, "maintenance", "retryAfterSeconds"), 90);
    await closed();

    const to = other(liveOf(stack));
    stack.set({ active: to });
    await stack.upOk();
    await closed();
    assert.equal((await ask("/version", { headers })).headers.get("x-color"), to);

    const off = await stack.bluegreen("maintenance", "off", "--by", "Anna");
    assert.equal(off.code, EXIT.done, off.output);
    assert.equal((await ask()).status, 200);
    assert.equal((await ask("/.bluegreen/bypass")).status, 404);
    await nothingToDo(stack);
    assert.equal(await ids(), before, "no container was replaced");
    const told = [
      await stack.logs("gateway"),
      await readFile(stack.stateFile, "utf8"),
      await stack.read("ledger"),
      off.output,
    ].join("\n");
    assert.ok(!told.includes(secret), "the secret is nowhere to be read");
    const states = parseLedger(await stack.read("ledger")).flatMap((one) =>
      one.event === "maintenance" ? one.state : [],
    );
    assert.deepEqual(states.slice(-2), ["on", "off"]);
  });

  it("is one change of the switch in a preview, and is turned on although the application is ill", async () => {
    stack.set({ maintenance: { retryAfterSeconds: 90 } });
    const preview = await stack.preview("--json");
    assert.equal(preview.code, 0, preview.output);
    const { changeSummary } = JSON.parse(preview.stdout) as { changeSummary: Record<string, number> };
    // The program's look at its own state is a "read", where that has changed since.
    assert.deepEqual({ ...changeSummary, same: 0, read: 0 }, { update: 1, same: 0, read: 0 });
    const api = stack.container(`api-${liveOf(stack)}`);
    try {
      await pauseOn(stack.target, api);
      await pauseOn(stack.target, stack.container("postgres"));
      await stack.upOk();
      await closed();
    } finally {
      await stack.docker("unpause", api, stack.container("postgres"));
    }
    stack.set({ maintenance: undefined });
    await stack.upOk();
    assert.equal((await ask()).status, 200);
  });

  itHere("holds requests while the database restarts, and loses none", async () => {
    const report = await withoutLoss(stack.url, { expect: [liveOf(stack)], kinds: gentle }, async () => {
      const words = ["docker", "restart", stack.container("postgres")];
      const ready = `until docker exec ${stack.container("postgres")} pg_isready -q -h 127.0.0.1; do sleep 0.1; done`;
      const held = await stack.bluegreen(
        "hold",
        "--for",
        "30s",
        "--by",
        "Anna",
        "--",
        "sh",
        "-c",
        `${words.join(" ")} && ${ready}`,
      );
      assert.equal(held.code, EXIT.done, held.output);
      assert.match(held.stdout, /^[1-9]\d* requests waited/);
    });
    assert.ok(report.requests > 100);
    const last = parseLedger(await stack.read("ledger")).slice(-2);
    assert.deepEqual(
      last.map(({ event }) => event),
      ["hold", "held"],
    );
  });

  it("lets go at its time although the command was killed", async () => {
    const command = await stack.startBluegreen("hold", "--for", "6s", "--by", "Anna");
    await command.printed(/requests wait in the gateway/);
    const began = performance.now();
    const waiting = ask();
    await command.killTree();
    await command.done;
    assert.equal((await waiting).status, 200);
    const seconds = (performance.now() - began) / 1000;
    assert.ok(seconds > 2 && seconds < 8, `${seconds} s`);
    assert.equal((await ask()).status, 200);
  });
});
