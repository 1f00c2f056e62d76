import assert from "node:assert/strict";

import { EXIT } from "../../release/outcome.ts";
import type { Color, Config, Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import { at } from "../support/json.ts";
import { releaseWith } from "../support/revisions.ts";
import { type Migrating, migratingStack, table, upTo } from "./migrating.ts";
import { gentle, liveOf, newId, nothingToDo, other } from "./shared.ts";

describe("a migration that takes something away", function () {
  this.timeout(1_200_000);
  let on: Migrating;
  let stack: Stack;
  /** Does without the column that goes; it is live, or was before. */
  let plain: string;
  /** Writes into it. */
  let needs: string;
  let contract: string;

  before(async () => {
    on = await migratingStack();
    stack = on.stack;
  });

  /** A config by hand that the program refuses, in a preview and in an update, before anything is touched. */
  async function refusedByHand(changes: Config, said: RegExp): Promise<void> {
    const { config } = stack;
    stack.set(changes);
    const preview = await stack.preview();
    assert.notEqual(preview.code, 0, preview.output);
    assert.match(preview.output, said);
    const up = await stack.up();
    assert.notEqual(up.code, 0, up.output);
    assert.match(up.output, said);
    stack.config = config;
  }
  const slot = (color: Color) => stack.config[color] ?? null;

  it("asks that who needs it is gone: a release that is live and needs it is in its way", async () => {
    plain = await on.deployed({ revisions: upTo("0008") });
    needs = await on.deployed({ revisions: upTo("0008"), writes: "remark" });
    const { config } = stack;
    const refused = await on.deploy({ revisions: upTo("0009") }, "--contract", plain);
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.match(refused.output, new RegExp(`"${needs}", which is live while the migration takes away`));
    assert.deepEqual(stack.config, config);
    assert.equal(await on.revision(), "0008");
  });

  it("runs once that one serves nobody, under load, and its dump stays", async () => {
    await on.done("rollback");
    assert.equal(await on.revision(), "0008", "a way back migrates nothing");
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const needed = slot(idle);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      await load.expect("blue", "green");
      contract = await on.deployed({ revisions: upTo("0009") }, "--contract", plain);
    });
    assert.deepEqual([await on.revision(), await on.hasColumn("remark")], ["0009", false]);
    const last = (await on.migrations()).at(-1);
    assert.deepEqual([last?.kind, last?.worksWith, last?.ok], ["contract", [plain], true]);
    assert.match(last?.backup ?? "", /\.contract\.dump$/);
    await nothingToDo(stack);
    await on.refused(
      new RegExp(`release ${needs} needs what the migration of ${contract} took away`),
      "rollback",
      "--to",
      needs,
    );
    await refusedByHand(
      { [live]: needed, active: live },
      new RegExp(`the migration of "${contract}" took away`),
    );
    await on.done("rollback");
    assert.equal(await stack.live(), live, "to the one that does without it there is a way back");
    await on.done("rollback");
    await on.well();
  });

  it("and whose release fails afterwards closes the way back too, for the command line and by hand", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const { config } = stack;
    const broken = await releaseWith(newId(), { revisions: upTo("0010"), fault: "exit" });
    const migration = { kind: "contract", command: ["python", "-m", "app.migrate"], worksWith: [contract] };
    stack.set({ [idle]: { ...broken, migration }, active: idle, api: { startSeconds: 2 } });
    const failed = await stack.up();
    assert.notEqual(failed.code, 0, failed.output);
    assert.match(failed.output, new RegExp(stack.container(`api-${idle}`)));
    assert.deepEqual([await on.hasColumn("size"), await stack.live()], [false, live]);
    stack.config = config;
    // The state has heard nothing of it.
    const said = new RegExp(`the migration of "${broken.release}" took away`);
    await refusedByHand({ active: idle }, said);
    await on.refused(said, "promote", "--to", "50");
    await on.refused(/needs what the migration of .* took away/, "rollback");
    // Once more when the state knows it itself.
    await stack.upOk();
    await stack.target.run(["rm", `${stack.hostDirectory}/contracted`]);
    await refusedByHand({ active: idle }, said);
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
      await on.deployed({ revisions: upTo("0010") });
    });
    await on.well();
  });

  it("and is cut off is taken for done until the next one finds out", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const known = await on.deployed({ revisions: upTo("0010") }, "--no-flip");
    const slow = { id: "0011", up: table("never", 60) };
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const running = String(at(stack.config, live, "release"));
      const deploying = await on.begun({ revisions: [...upTo("0010"), slow] }, "--contract", running);
      await deploying.killTree();
      await deploying.done;
      await stack.readConfig();
      await stack.cancel();
      await on.done("rollback");
      await refusedByHand({ active: idle }, /may have taken away before it was cut off/);
      const next = await on.deployed({ revisions: upTo("0010") }, "--no-flip");
      assert.notEqual(next, known);
    });
    assert.equal(await on.revision(), "0010");
    await on.done("promote", "--to", "100");
    await on.well();
  });

  it("is what a migration downwards is: only when asked for, through the same gate", async () => {
    await on.deployed({ revisions: upTo("0010") });
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const serves = String(at(stack.config, live, "release"));
    const down = ["--", "python", "-m", "app.migrate", "--down", "0009"];
    const words = ["--release", serves, "--works-with"];
    await on.refused(new RegExp(`release ${serves} serves on ${live}`), "migrate", ...words, "1", ...down);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      await on.done("migrate", ...words, serves, ...down);
    });
    assert.deepEqual([await on.revision(), await on.hasColumn("size")], ["0009", true]);
    const last = (await on.migrations()).at(-1);
    assert.deepEqual([last?.byHand, last?.before, last?.after, last?.ok], [true, "0010", "0009", true]);
    assert.match(last?.backup ?? "", /by-hand\.contract\.dump$/);
    await refusedByHand({ active: idle }, /took away/);
    await on.refused(/needs what the migration of .* took away/, "rollback");
    await on.well();
  });
});
