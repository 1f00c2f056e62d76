import assert from "node:assert/strict";

import { type Entry, parseLedger } from "../../components/ledger/entry.ts";
import { EXIT } from "../../release/outcome.ts";
import { type Result, type Running, until } from "../support/process.ts";
import { type Revision, type Variant, releaseWith, sql } from "../support/revisions.ts";
import { Stack } from "../support/stack.ts";
import { newId, sharedConfig } from "./shared.ts";

/** What the releases of 15 and 15b bring, one after the other; the sample itself ends with 0003. */
const REMARK: Revision = {
  id: "0004",
  up: [sql("ALTER TABLE items ADD COLUMN remark text")],
  down: [sql("ALTER TABLE items DROP COLUMN remark")],
};
/** Slow, and in nobody's way: each revision is a transaction of its own. */
const FILLED: Revision = {
  id: "0005",
  up: [sql("UPDATE items SET remark = 'old' WHERE remark IS NULL"), sql("SELECT pg_sleep(3)")],
};
const SIZE: Revision = { id: "0006", up: [sql("ALTER TABLE items ADD COLUMN size integer")] };
/** Makes a table, and takes its time before the commit. */
export const table = (name: string, seconds: number): readonly string[] => [
  sql(`CREATE TABLE ${name} (id integer)`),
  sql(`SELECT pg_sleep(${seconds})`),
];
const KEPT: Revision = { id: "0007", up: table("kept", 0) };
const TWICE: Revision = { id: "0008", up: table("twice", 0) };
const WITHOUT_REMARK: Revision = {
  id: "0009",
  up: [sql("ALTER TABLE items DROP COLUMN remark")],
  down: [sql("ALTER TABLE items ADD COLUMN remark text")],
};
const WITHOUT_SIZE: Revision = {
  id: "0010",
  up: [sql("ALTER TABLE items DROP COLUMN size")],
  down: [sql("ALTER TABLE items ADD COLUMN size integer")],
};
export const upTo = (last: string): readonly Revision[] => {
  const all = [REMARK, FILLED, SIZE, KEPT, TWICE, WITHOUT_REMARK, WITHOUT_SIZE];
  return all.slice(0, all.findIndex(({ id }) => id === last) + 1);
};

let shared: Promise<Migrating> | undefined;

/** The stack of 15 and 15b, up with blue live; of its own, because what is taken away in it is gone. */
export function migratingStack(): Promise<Migrating> {
  shared ??= (async () => {
    const stack = await Stack.create("migrations", await sharedConfig());
    try {
      await stack.upOk();
    } catch (error) {
      await stack.remove();
      throw error;
    }
    return new Migrating(stack);
  })();
  return shared;
}

after(async function () {
  this.timeout(900_000);
  await (await shared?.catch(() => undefined))?.stack.remove();
});

/** What is asked of a stack whose releases migrate. */
export class Migrating {
  readonly stack: Stack;

  constructor(stack: Stack) {
    this.stack = stack;
  }

  async migrations(): Promise<readonly Entry<"migrated">[]> {
    return parseLedger(await this.stack.read("ledger")).filter((entry) => entry.event === "migrated");
  }

  /** What one statement answers, as psql prints it. */
  async ask(statement: string, database = "app"): Promise<string> {
    const psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "app", "-d", database, "-c", statement];
    return (await this.stack.docker("exec", this.stack.container("postgres"), ...psql)).trim();
  }

  async count(where: string): Promise<number> {
    return Number(await this.ask(`SELECT count(*) FROM items WHERE ${where}`));
  }

  revision(): Promise<string> {
    return this.ask("SELECT version_num FROM alembic_version");
  }

  /** Of the table `items`. */
  async hasColumn(column: string): Promise<boolean> {
    const where = `table_name = 'items' AND column_name = '${column}'`;
    return (await this.ask(`SELECT count(*) FROM information_schema.columns WHERE ${where}`)) === "1";
  }

  /** Whether a migration's container is there. */
  async runs(): Promise<boolean> {
    const filter = `name=${this.stack.container("migration")}`;
    return (await this.stack.docker("ps", "--all", "--quiet", "--filter", filter)) !== "";
  }

  private async sleeps(): Promise<boolean> {
    const asleep = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^(SELECT pg_sleep|DO )'";
    return (await this.ask(asleep)) === "1";
  }

  private async words(id: string, variant: Variant, more: readonly string[]): Promise<readonly string[]> {
    const { images } = await releaseWith(id, variant);
    return ["--image", `api=${images.api}`, "--release", id, "--by", "Anna", ...more];
  }

  async deploy(variant: Variant, ...more: string[]): Promise<Result & { readonly id: string }> {
    const id = newId();
    return { ...(await this.stack.bluegreen("deploy", ...(await this.words(id, variant, more)))), id };
  }

  /** A deploy that must succeed; its release's id. */
  async deployed(variant: Variant, ...more: string[]): Promise<string> {
    const done = await this.deploy(variant, ...more);
    assert.equal(done.code, EXIT.done, done.output);
    return done.id;
  }

  /** A deploy whose migration has come to its sleep. */
  async begun(variant: Variant, ...more: string[]): Promise<Running> {
    const words = await this.words(newId(), variant, more);
    const running = await this.stack.startBluegreen("deploy", ...words);
    await until("the migration sleeps", async () => running.ended || (await this.sleeps()));
    assert.ok(!running.ended, running.output);
    return running;
  }

  /** A command that must succeed. */
  async done(command: string, ...more: string[]): Promise<unknown> {
    const result = await this.stack.bluegreen(command, "--by", "Anna", "--json", ...more);
    assert.equal(result.code, EXIT.done, result.output);
    return JSON.parse(result.stdout);
  }

  /** A command that must be refused, for this reason, and leaves the config as it is. */
  async refused(said: RegExp, command: string, ...more: string[]): Promise<void> {
    const { config } = this.stack;
    const result = await this.stack.bluegreen(command, "--by", "Anna", ...more);
    assert.equal(result.code, EXIT.refused, result.output);
    assert.match(result.output, said);
    assert.deepEqual(this.stack.config, config);
  }

  /** Nothing is wrong, and nothing is left over. */
  async well(): Promise<void> {
    const doctor = await this.stack.bluegreen("doctor");
    assert.equal(doctor.code, EXIT.done, doctor.output);
    assert.equal(await this.runs(), false, "a migration's container is left over");
  }
}
