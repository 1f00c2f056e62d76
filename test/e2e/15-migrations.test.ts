import assert from "node:assert/strict";

import { EXIT } from "../../release/outcome.ts";
import { until } from "../support/process.ts";
import { type Variant, sql } from "../support/revisions.ts";
import type { Color, Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import { type Migrating, migratingStack, table, upTo } from "./migrating.ts";
import { gentle, liveOf, nothingToDo, other } from "./shared.ts";

describe("a release that migrates", function () {
  this.timeout(1_200_000);
  let on: Migrating;
  let stack: Stack;

  before(async () => {
    on = await migratingStack();
    stack = on.stack;
  });

  /** A deploy that fails while nobody notices: the config, the slots, the revision and what serves are as before. */
  async function failsUnnoticed(variant: Variant, said: RegExp, meanwhile?: () => Promise<void>) {
    const [config, live, before] = [stack.config, liveOf(stack), await on.revision()];
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const failing = meanwhile === undefined ? undefined : on.begun(variant);
      await failing?.then(meanwhile);
      const failed = await (failing === undefined ? on.deploy(variant) : (await failing).done);
      await stack.readConfig();
      assert.equal(failed.code, EXIT.failed, failed.output);
      assert.match(failed.output, said);
      assert.match(failed.output, new RegExp(`${live} serves; ${other(live)} is as it was`));
    });
    assert.deepEqual(stack.config, config);
    assert.deepEqual([await stack.live(), await on.revision()], [live, before]);
    const last = (await on.migrations()).at(-1);
    assert.deepEqual([last?.ok, last?.before, last?.after], [false, before, before]);
    await on.well();
  }

  /** Visitors of a bucket, who are all answered by this colour, and read what they wrote. */
  async function readsAndWrites(bucket: number, color: Color): Promise<void> {
    const headers = { cookie: `bluegreen_bucket=${bucket}`, "content-type": "application/json" };
    for (let i = 0; i < 50; i++) {
      const body = JSON.stringify({ clientId: `bucket-${bucket}-${i}`, name: "x" });
      const written = await fetch(`${stack.url}/items`, { method: "POST", headers, body });
      assert.deepEqual([written.status, written.headers.get("x-color")], [201, color], await written.text());
      const read = await fetch(`${stack.url}${written.headers.get("location") ?? ""}`, { headers });
      assert.deepEqual([read.status, read.headers.get("x-color")], [200, color], await read.text());
    }
  }

  it("expands while visitors read and write, and then serve from both colours, old code and new", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      await on.deployed({ revisions: upTo("0005"), writes: "remark" }, "--no-flip");
      assert.ok((await on.count("remark = 'old'")) > 0, "there were writes before");
      await load.expect("blue", "green");
      await on.done("promote", "--to", "50");
      // The load comes from one address, so it is in one bucket: these are in one of each colour.
      const [old, mark] = [await on.count("remark IS NULL"), await on.count("remark = 'new'")];
      await Promise.all([readsAndWrites(99, live), readsAndWrites(0, idle)]);
      assert.ok((await on.count("remark IS NULL")) >= old + 50, "the old code writes");
      assert.ok((await on.count("remark = 'new'")) >= mark + 50, "the new code writes");
      await on.done("promote", "--to", "100");
    });
    const [last] = (await on.migrations()).slice(-1);
    assert.deepEqual([last?.ok, last?.kind, last?.before, last?.after], [true, "expand", "0003", "0005"]);
    await nothingToDo(stack);
  });

  it("dumps the database first, and the dump goes back", async () => {
    const dump = (await on.migrations()).at(-1)?.backup ?? "";
    await on.ask("CREATE DATABASE scratch");
    const restore = `docker exec -i ${stack.container("postgres")} pg_restore -U app -d scratch <'${dump}'`;
    const restored = await stack.target.run(["sh", "-c", restore]);
    assert.equal(restored.code, 0, restored.output);
    assert.equal(await on.ask("SELECT version_num FROM alembic_version", "scratch"), "0003");
    const rows = (where: string) =>
      `SELECT string_agg(id || client_id || name, ',' ORDER BY id) FROM items ${where}`;
    const dumped = await on.ask(rows(""), "scratch");
    const last = await on.ask("SELECT max(id) FROM items", "scratch");
    assert.ok(Number(last) > 10);
    // Ids are given before the commit: what the dump did not see of these was under way.
    const seen = await on.ask("SELECT string_agg(id::text, ',') FROM items", "scratch");
    assert.equal(await on.ask(rows(`WHERE id IN (${seen})`)), dumped);
    await on.ask("DROP DATABASE scratch");
  });

  it("that fails blocks the flip, with its last words, and the next one works", async () => {
    const bad = { id: "0006", up: [sql("ALTER TABLE items ADD COLUMN half integer"), sql("SELECT 1 / 0")] };
    await failsUnnoticed({ revisions: [...upTo("0005"), bad] }, /division by zero/);
    assert.equal(await on.hasColumn("half"), false);
  });

  it("that waits for a table gives up in time: nobody queues behind it for longer, and the next try works", async () => {
    const hold = "BEGIN; LOCK TABLE items IN ACCESS SHARE MODE; SELECT pg_advisory_lock(1), pg_sleep(100)";
    const holding = stack.target.run([
      "docker",
      "exec",
      stack.container("postgres"),
      "psql",
      "-U",
      "app",
      "-d",
      "app",
      "-c",
      hold,
    ]);
    await until(
      "the table is held",
      async () => (await on.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) === "1",
    );
    await failsUnnoticed(
      { revisions: upTo("0006"), writes: "remark" },
      /canceling statement due to lock timeout/,
    );
    await on.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    await holding;
    await on.deployed({ revisions: upTo("0006"), writes: "remark" });
    assert.equal(await on.revision(), "0006");
  });

  it("whose container is killed in the middle lets go of its tables at once", async () => {
    const long = {
      id: "0007",
      up: [sql("ALTER TABLE items ADD COLUMN half integer"), sql("SELECT pg_sleep(60)")],
    };
    await failsUnnoticed({ revisions: [...upTo("0006"), long] }, /failed \(exit 137\)/, async () => {
      await stack.docker("kill", stack.container("migration"));
    });
    assert.equal(await on.hasColumn("half"), false);
  });

  it("whose deployer is killed with all that runs for him: the next call says so, and the next release goes on", async () => {
    const [live, config] = [liveOf(stack), stack.config];
    const variant = { revisions: [...upTo("0006"), { id: "0007", up: table("kept", 60) }] };
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      const deploying = await on.begun(variant);
      await deploying.killTree();
      await deploying.done;
      await stack.readConfig();
      assert.equal(await on.runs(), true, "the engine knows nothing of who started it");
      const refused = await on.deploy({ revisions: upTo("0007") });
      assert.equal(refused.code, EXIT.refused, refused.output);
      assert.match(
        refused.output,
        /deploy of release \S+ by Anna began .* and did not end: it runs, or was cut off/,
      );
      assert.match(refused.output, /bluegreen rollback --stack .* makes the file say what runs/);
      await stack.cancel();
      await on.done("rollback");
      assert.deepEqual(stack.config, config);
      await load.expect("blue", "green");
      await on.deployed({ revisions: upTo("0007") });
    });
    assert.equal(await on.revision(), "0007");
    await on.well();
    await nothingToDo(stack);
  });

  it("whose database is restarted in the middle is undone, and says where it is", async () => {
    const [config, live] = [stack.config, liveOf(stack)];
    const deploying = await on.begun({ revisions: [...upTo("0007"), { id: "0008", up: table("gone", 60) }] });
    await stack.docker("restart", stack.container("postgres"));
    const failed = await deploying.done;
    await stack.readConfig();
    assert.equal(failed.code, EXIT.failed, failed.output);
    assert.match(failed.output, /the database is at revision 0007/);
    const last = (await on.migrations()).at(-1);
    assert.deepEqual([last?.ok, last?.before, last?.after], [false, "0007", "0007"]);
    assert.deepEqual([stack.config, await stack.live()], [config, live]);
    await on.well();
  });

  it("is the only one: a second deploy is refused while it runs", async () => {
    const [before, from] = [(await on.migrations()).length, await on.revision()];
    // It ends as soon as somebody holds the lock 2.
    const held = "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 2)";
    const slow = sql(`DO $$ BEGIN WHILE NOT ${held} LOOP PERFORM pg_sleep(0.1); END LOOP; END $$`);
    const twice = { id: "0008", up: [...table("twice", 0), slow] };
    const first = await on.begun({ revisions: [...upTo("0007"), twice] }, "--no-flip");
    await stack.readConfig();
    const second = await on.deploy({ revisions: upTo("0008") }, "--no-flip");
    assert.equal(second.code, EXIT.refused, second.output);
    // From another checkout it would meet the engine's lock (test/ssh/2).
    assert.match(
      second.output,
      /deploy of release \S+ by Anna began .* did not end: it runs, or was cut off/,
    );
    assert.match(second.output, /fix: once no command is at work: npx bluegreen rollback/);
    const letGo = on.ask("SELECT pg_advisory_lock(2), pg_sleep(3)");
    const { code, output } = await first.done;
    await letGo;
    assert.equal(code, EXIT.done, output);
    await stack.readConfig();
    assert.deepEqual(
      (await on.migrations()).slice(before).map(({ before, after }) => [before, after]),
      [[from, "0008"]],
    );
    await nothingToDo(stack);
  });
});
