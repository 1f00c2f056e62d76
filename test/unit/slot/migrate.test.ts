import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseLedger } from "../../../components/ledger/entry.ts";
import { lastContract } from "../../../components/ledger/history.ts";
import { installScripts } from "../../support/host-scripts.ts";
import { Running, run, until } from "../../support/process.ts";

/** Answers as the database's tools do: a revision from a file, a dump, a size. What migrates is a plain command here. */
const DOCKER = `#!/bin/sh
case "$*" in
  *to_regclass*) cat "$STUB/tables" ;;
  *alembic_version*) cat "$STUB/revision" ;;
  *pg_database_size*) cat "$STUB/size" ;;
  *pg_dump*) echo "dump of $(cat "$STUB/revision")" ;;
  rm*) ;;
  ps*) cat "$STUB/slot" 2>/dev/null || true ;;
  stop* | start*) echo "$*" >>"$STUB/calls" ;;
  *) echo "docker $*" >&2; exit 9 ;;
esac
`;

describe("migrate.sh", () => {
  let folder: string;
  let directory: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "migrate-"));
    directory = join(folder, "stack");
    await installScripts(folder);
    await mkdir(directory);
    await writeFile(join(folder, "bin/docker"), DOCKER, { mode: 0o755 });
    await writeFile(join(folder, "revision"), "0001\n");
    await writeFile(join(folder, "tables"), "t|f\n");
    await writeFile(join(folder, "size"), "1\n");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const options = () => ({
    env: { ...process.env, PATH: `${folder}/bin:${process.env["PATH"] ?? ""}`, STUB: folder },
    timeoutMs: 60_000,
  });
  const plan = (command: string, more: Readonly<Record<string, string>> = {}): string =>
    Object.entries({
      color: "green",
      release: "7",
      postgres: "db",
      name: "migration",
      timeoutSeconds: "5",
      ...more,
      run: command,
    })
      .map(([key, value]) => `${key} ${value}\n`)
      .join("");
  const migrate = (text: string) =>
    run(join(folder, "bin/migrate.sh"), [directory], { ...options(), input: text });
  const ledger = async () => parseLedger(await readFile(join(directory, "ledger"), "utf8").catch(() => ""));
  const dumps = () => readdir(join(directory, "backups")).catch((): string[] => []);

  it("dumps the database, runs the words as they are, and records both revisions", async () => {
    const words = `sh -c 'echo "$1" >"$STUB/revision"; printf "%s|" "$@"' run 0002 'it'\\''s
done' '$HOME'`;
    const ran = await migrate(plan(words));
    assert.equal(ran.code, 0, ran.output);
    assert.equal(ran.stdout, "0002|it's\ndone|$HOME|");
    const [entry] = await ledger();
    assert.ok(entry?.event === "migrated");
    assert.deepEqual([entry.before, entry.after, entry.ok, entry.kind], ["0001", "0002", true, "expand"]);
    assert.equal(await readFile(entry.backup ?? "", "utf8"), "dump of 0001\n");
  });

  it("fails with the command's end, and records that too", async () => {
    const ran = await migrate(plan("sh -c 'exit 3'"));
    assert.equal(ran.code, 3);
    assert.match(ran.output, /failed \(exit 3\); the database is at revision 0001, a dump from before is /);
    const [entry] = await ledger();
    assert.ok(entry?.event === "migrated");
    assert.equal(entry.ok, false);
  });

  it("stops one that takes too long", async () => {
    const ran = await migrate(plan("sleep 30", { timeoutSeconds: "1" }));
    assert.equal(ran.code, 124, ran.output);
    assert.match(ran.output, /no end after 1 s; it was stopped/);
  });

  it("keeps three dumps, and makes none where none is wanted", async () => {
    await mkdir(join(directory, "backups"));
    for (const day of [1, 2, 3, 4])
      await writeFile(join(directory, `backups/2025010${day}T000000Z-before-1.dump`), "");
    assert.equal((await migrate(plan("true", { backup: "none" }))).code, 0);
    assert.equal((await dumps()).length, 4);
    assert.equal((await migrate(plan("true"))).code, 0);
    const kept = await dumps();
    assert.equal(kept.length, 3);
    assert.ok(
      kept.includes("20250104T000000Z-before-1.dump") && !kept.includes("20250102T000000Z-before-1.dump"),
    );
  });

  it("refuses where the dump may not fit, before anything runs", async () => {
    await writeFile(join(folder, "size"), "999999999999\n");
    const ran = await migrate(plan(`touch ${folder}/ran`));
    assert.notEqual(ran.code, 0);
    assert.match(ran.output, /a dump of the database may take 999999999999 MB .* Nothing was done/);
    assert.deepEqual(await dumps(), []);
    assert.ok(!(await readdir(folder)).includes("ran"));
  });

  it("refuses a plan that did not arrive whole", async () => {
    const ran = await migrate("color green\nrelease 7\n");
    assert.match(ran.output, /the plan did not arrive whole. Nothing was done/);
  });

  it("waits for another one", async () => {
    const held = `sh -c 'touch ${folder}/begun; until [ -e ${folder}/go ]; do sleep 0.05; done; echo 0002 >${folder}/revision'`;
    const input = plan(held, { timeoutSeconds: "15" });
    const first = new Running(join(folder, "bin/migrate.sh"), [directory], { ...options(), input });
    await until("the first one runs", async () => (await readdir(folder)).includes("begun"));
    const second = migrate(plan("true", { timeoutSeconds: "7" }));
    await until(
      "the second one waits",
      async () => (await run("pgrep", ["-f", "^flock -w 67 9$"], { timeoutMs: 60_000 })).code === 0,
    );
    await writeFile(join(folder, "go"), "");
    assert.equal((await second).code, 0);
    assert.equal((await first.done).code, 0);
    const entries = await ledger();
    assert.deepEqual(
      entries.map((entry) => entry.event === "migrated" && `${entry.before} ${entry.after}`),
      ["0001 0002", "0002 0002"],
    );
  });

  const file = (name: string) => readFile(join(directory, name), "utf8").catch(() => "");
  const kept = async (): Promise<readonly string[]> => {
    const texts = (await dumps()).sort().map((name) => readFile(join(directory, "backups", name), "utf8"));
    return (await Promise.all(texts)).map((text) => text.trim());
  };
  const to = (revision: string, more = "") => `sh -c 'echo ${revision} >"$STUB/revision"${more}'`;
  const contract = { kind: "contract", worksWith: '["5","6"]' };

  it("dumps anew for the next try of a release whose last one left nothing behind", async () => {
    await migrate(plan("false"));
    const [first] = await ledger();
    await migrate(plan("false"));
    const [, second] = await ledger();
    assert.ok(first?.event === "migrated" && second?.event === "migrated");
    assert.equal((await dumps()).length, 1);
    assert.equal(join(directory, "backups", (await dumps())[0] ?? ""), second.backup);
  });

  it("keeps the dump from before a try that left its work half done, beside each next one's", async () => {
    await migrate(plan(to("0002", "; exit 1")));
    for (const one of ["false", "false"]) await migrate(plan(one));
    const [first, ...others] = await kept();
    assert.equal(first, "dump of 0001");
    assert.deepEqual([...new Set(others)], ["dump of 0002"]);
  });

  it("dumps what was written since the last try of the same release, whether that one or another moved the database", async () => {
    await migrate(plan(to("0002")));
    const again = await migrate(plan(to("0003", "; exit 1")));
    assert.deepEqual(await kept(), ["dump of 0001", "dump of 0002"]);
    const [from, at] = (await dumps()).sort().map((name) => join(directory, "backups", name));
    assert.ok(
      again.output.includes(`a dump from before is ${at}, from before the first try ${from}`),
      again.output,
    );
    await writeFile(join(folder, "revision"), "0009\n");
    await migrate(plan("false"));
    assert.equal((await kept()).at(-1), "dump of 0009");
  });

  it("keeps a contract's dump though an expand of the same release was tried before", async () => {
    await migrate(plan(to("0002", "; exit 1")));
    await migrate(plan(to("0003"), contract));
    for (const release of ["8", "9", "10", "11"]) await migrate(plan("true", { release }));
    const entry = (await ledger()).find((one) => one.event === "migrated" && one.kind === "contract");
    assert.ok(entry?.event === "migrated");
    assert.equal(await readFile(entry.backup ?? "", "utf8"), "dump of 0002\n");
  });

  for (const [kind, more] of Object.entries({ expand: {}, contract })) {
    it(`keeps the dump from before the first try where no tool keeps a revision, and says which it is (${kind})`, async () => {
      await writeFile(join(folder, "tables"), "f|f\n");
      await migrate(plan(to("half", "; exit 1"), more));
      const [first = ""] = await dumps();
      let last = "";
      for (const one of ["false", "false", "false"]) last = (await migrate(plan(one, more))).output;
      assert.equal((await kept())[0], "dump of 0001");
      const newest = (await dumps()).sort().at(-1) ?? "";
      assert.ok(newest > first, "each try has one of its own");
      const said = `a dump from before is ${join(directory, "backups", newest)}, from before the first try ${join(directory, "backups", first)}`;
      assert.ok(last.includes(said), last);
    });
  }

  it("keeps the dump of a first try that was cut off", async () => {
    await mkdir(join(directory, "backups"));
    for (const [day, release] of [7, 8, 9, 10].entries())
      await writeFile(join(directory, `backups/2025010${day + 1}T000000Z-before-${release}.dump`), "");
    await migrate(plan("false"));
    const [first, ...others] = (await dumps()).sort();
    assert.equal(first, "20250101T000000Z-before-7.dump");
    assert.equal(others.length, 3);
  });

  it("keeps a contract's dump where the database was brought back to its revision since", async () => {
    await migrate(plan(to("0002"), contract));
    await writeFile(join(folder, "revision"), "0001\n");
    await migrate(plan(to("0002"), contract));
    assert.equal((await dumps()).length, 2);
  });

  it("says for whom a contract was the end: as soon as it begins, and for good when it took something away", async () => {
    const look = `cat ${directory}/contracting`;
    const ran = await migrate(plan(to("0002", `; ${look}`), contract));
    assert.match(ran.stdout, /^\S+Z 7 7 5 6\ngreen 0001\n$/);
    assert.match(await file("contracted"), /^\S+Z 7 7 5 6\n$/);
    assert.equal(await file("contracting"), "");
    await migrate(plan(to("0003"), { ...contract, byHand: "yes" }));
    assert.match(await file("contracted"), /^\S+Z 7 5 6\n$/);
    const [, last] = await ledger();
    assert.ok(last?.event === "migrated" && last.byHand);
  });

  const serves = async (live: string, canary: number): Promise<void> => {
    await mkdir(join(directory, "gateway/conf"), { recursive: true });
    const state = `live ${live}\ncanary ${canary}\nrelease.blue 5\nrelease.green 4\n`;
    await writeFile(join(directory, "gateway/conf/start"), state);
  };

  for (const [what, live, canary] of [
    ["is live", "green", 0],
    ["has visitors in a canary", "blue", 10],
  ] as const) {
    it(`takes nothing away from a release that ${what} by now`, async () => {
      await serves(live, canary);
      const ran = await migrate(plan(to("0002"), contract));
      assert.equal(ran.code, 1, ran.output);
      assert.match(ran.output, /release 4 serves on green by now, .* 7 5 6\. Nothing was done/);
      assert.deepEqual([await file("contracting"), await file("contracted"), await ledger()], ["", "", []]);
      assert.equal((await readFile(join(folder, "revision"), "utf8")).trim(), "0001");
      assert.deepEqual(await dumps(), []);
      assert.equal((await migrate(plan(to("0002")))).code, 0, "an expand asks nobody");
    });
  }

  /** A watch of release 4, live on green, that would send visitors back to 3 on blue; runs until it is ended. */
  async function watching(): Promise<{ readonly over: () => Promise<void> }> {
    const lock = join(directory, "gateway/watch.lock");
    await mkdir(join(directory, "gateway/watch"), { recursive: true });
    const state = "canary 0;release.blue 3;release.green 4";
    await writeFile(
      join(directory, "gateway/watch/plan"),
      `id 5f3a\ncolor green\nrelease 4\nwatched live green;${state}\nback live blue;${state}\nuntil 1767225600\n`,
    );
    const held = new Running("flock", [lock, "sleep", "60"], options());
    await until("the watch runs", async () => (await run("flock", ["-n", lock, "true"])).code !== 0);
    const over = async () => {
      held.killGroup();
      await held.done;
    };
    return { over };
  }
  const servesGreen = (blue: string) =>
    writeFile(
      join(directory, "gateway/conf/start"),
      `live green\ncanary 0\nrelease.blue ${blue}\nrelease.green 4\n`,
    );

  for (const [whose, byHand, works] of [
    ["by hand", { byHand: "yes" }, "4"],
    ["a release's", {}, "7 4"],
  ] as const) {
    it(`takes nothing away from the way back of a release that is being watched (${whose})`, async () => {
      await serves("green", 0);
      await servesGreen("3");
      const watch = await watching();
      try {
        const ran = await migrate(plan(to("0002"), { kind: "contract", worksWith: '["4"]', ...byHand }));
        assert.equal(ran.code, 1, ran.output);
        assert.ok(
          ran.output.includes(
            "release 3 on blue is the way back of release 4, which is being watched until 2026-01-01T00:00:00Z, and is not among " +
              `those that work afterwards: ${works}. Nothing was done; wait for the watch's end, or end it: npx bluegreen watch --stop`,
          ),
          ran.output,
        );
        assert.deepEqual([await file("contracting"), await file("contracted"), await ledger()], ["", "", []]);
        assert.equal((await readFile(join(folder, "revision"), "utf8")).trim(), "0001");
        assert.deepEqual(await dumps(), []);
        assert.equal((await migrate(plan(to("0002")))).code, 0, "an expand asks nobody");
        const named = await migrate(
          plan(to("0003"), { kind: "contract", worksWith: '["4","3"]', ...byHand }),
        );
        assert.equal(named.code, 0, named.output);
      } finally {
        await watch.over();
      }
    });
  }

  it("asks no watch that is over, or that is about to see that visitors were sent elsewhere", async () => {
    await serves("green", 0);
    const only = { kind: "contract", worksWith: '["4"]', byHand: "yes" };
    await servesGreen("8");
    const watch = await watching();
    try {
      const elsewhere = await migrate(plan(to("0002"), only));
      assert.equal(elsewhere.code, 0, elsewhere.output);
    } finally {
      await watch.over();
    }
    await servesGreen("3");
    const over = await migrate(plan(to("0003"), only));
    assert.equal(over.code, 0, over.output);
  });

  it("writes times that all hosts mean the same by", async () => {
    const env = { ...options().env, TZ: "XYZ-5" };
    const ran = await run(join(folder, "bin/migrate.sh"), [directory], {
      ...options(),
      ...{ env, input: plan("true", contract) },
    });
    assert.equal(ran.code, 0, ran.output);
    const [at = ""] = (await file("contracted")).split(" ");
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000, at);
  });

  it("looks who serves under the lock of the switch, and lets go of it before it migrates", async () => {
    await serves("blue", 0);
    const lock = join(directory, "lock");
    const held = new Running(
      "flock",
      [lock, "sh", "-c", `touch ${folder}/held; sleep 2; touch ${folder}/freed`],
      options(),
    );
    await until("the lock is held", async () => (await readdir(folder)).includes("held"));
    const ran = await migrate(plan(`sh -c '[ -e ${folder}/freed ] && flock -n ${lock} true'`, contract));
    assert.equal(ran.code, 0, ran.output);
    await held.done;
  });

  it("stops what still needs what a contract takes away, and starts it again where nothing was taken", async () => {
    const calls = () => readFile(join(folder, "calls"), "utf8").catch(() => "");
    await migrate(plan("true", contract));
    assert.equal(await calls(), "", "there is nothing");
    await writeFile(join(folder, "slot"), "app-api-green 4\napp-worker-green 4\napp-web-green 6\n");
    await migrate(plan("true"));
    assert.equal(await calls(), "", "an expand leaves it alone");
    await migrate(plan("true", contract));
    assert.equal(await calls(), "stop app-api-green\nstop app-worker-green\n");
    await migrate(plan("false", contract));
    assert.match(await calls(), /start app-api-green app-worker-green\n$/);
  });

  it("forgets a contract that failed and changed nothing, and not one that failed halfway", async () => {
    await writeFile(join(directory, "contracted"), "2026-01-01T00:00:00Z 4 4 3\n");
    await migrate(plan("false", contract));
    assert.equal(await file("contracted"), "2026-01-01T00:00:00Z 4 4 3\n");
    await migrate(plan(to("0002", "; exit 1"), contract));
    assert.match(await file("contracted"), /^\S+Z 7 7 5 6\n$/);
    assert.equal(await file("contracting"), "");
  });

  it("does not forget one that failed where no tool keeps a revision: nobody can tell how far it came", async () => {
    await writeFile(join(folder, "tables"), "f|f\n");
    await migrate(plan("false", contract));
    assert.match(await file("contracted"), /^\S+Z 7 7 5 6\n$/);
    const [entry] = await ledger();
    assert.ok(entry?.event === "migrated");
    assert.deepEqual([entry.ok, entry.before, entry.after], [false, "none", "none"]);
    assert.equal(lastContract([entry]), entry);
  });

  for (const [how, before, after] of [
    ["undone", "0001", ""],
    ["done", "0000", "2026-01-01T00:00:00Z 4 4 3\n"],
  ] as const) {
    it(`finds out that a contract that was cut off was ${how}`, async () => {
      await writeFile(join(directory, "contracting"), `2026-01-01T00:00:00Z 4 4 3\nblue ${before}\n`);
      const ran = await migrate(plan("true"));
      assert.equal(ran.code, 0, ran.output);
      assert.deepEqual([await file("contracting"), await file("contracted")], ["", after]);
      const [found] = await ledger();
      assert.ok(found?.event === "migrated");
      assert.deepEqual([found.release, found.ok], how === "done" ? ["4", false] : ["7", true]);
    });
  }

  it("does not take a container that somebody killed for one that took too long", async () => {
    const ran = await migrate(plan("sh -c 'exit 137'"));
    assert.match(ran.output, /its container was killed/);
    assert.doesNotMatch(ran.output, /no end after/);
  });

  it("waits for a database that comes back, to say where it is", async () => {
    const back = `sh -c '(sleep 1; rm "$STUB/down") & touch "$STUB/down"; exit 1'`;
    const stub = DOCKER.replace('case "$*" in', '[ ! -e "$STUB/down" ] || exit 1\ncase "$*" in');
    await writeFile(join(folder, "bin/docker"), stub, { mode: 0o755 });
    const ran = await migrate(plan(back));
    assert.match(ran.output, /the database is at revision 0001/);
  });
});
