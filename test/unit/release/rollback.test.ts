import assert from "node:assert/strict";
import { checkImages } from "../../../components/config/image-rules.ts";
import { parseConfig } from "../../../components/config/parse.ts";
import { type Entry, type LedgerEntry, ledgerLine, parseLedger } from "../../../components/ledger/entry.ts";
import { allReleases } from "../../../components/ledger/failed.ts";
import { lastContract, maintainedBy, releaseHistory } from "../../../components/ledger/history.ts";
import { describeUnfinished, unfinished } from "../../../components/ledger/unfinished.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { EXIT, Refusal } from "../../../release/outcome.ts";
import { planRollback } from "../../../release/rollback/plan.ts";
import { JOBS, MINIMAL, WEB, recordOf } from "../../support/fixtures.ts";
import { at } from "../../support/json.ts";
import { httpReceiver } from "../../support/receivers.ts";
import { alsoSays, alsoTells } from "../../support/stand-in-asked.ts";
import { StandInStack } from "../../support/stand-in-stack.ts";

const migration = { command: ["migrate"] };
const CONFIG: PlainMap = {
  active: "blue",
  blue: { release: "1", images: { api: "app:1" }, migration },
  green: { release: "2", images: { api: "app:2" }, migration },
};
const TIMES = {
  checkMs: 1,
  smokeMs: 1,
  flipMs: 1,
  proofMs: 1,
  bakeMs: 1,
  totalMs: 5,
  requests: 0,
  errors: 0,
};

const day = (number: number): string => `2026-01-0${number}T00:00:00Z`;
const released = (at: string, color: "blue" | "green", release: string): LedgerEntry => ({
  event: "released",
  ...{ at, color, release, images: { api: `app:${release}` } },
});
const live = (at: string, color: "blue" | "green", release: string): LedgerEntry => ({
  event: "live",
  ...{ at, color, release, from: color === "blue" ? "green" : "blue", fromRelease: "none", ...TIMES },
});
/** 0 was live on blue, then 2 on green, then 1 on blue. */
const LEDGER: readonly LedgerEntry[] = [
  released(day(1), "blue", "0"),
  live(day(1), "blue", "0"),
  released(day(2), "green", "2"),
  live(day(2), "green", "2"),
  released(day(3), "blue", "1"),
  live(day(3), "blue", "1"),
];

function plan(
  to?: string,
  view: { config?: PlainMap; record?: StackRecord; entries?: readonly LedgerEntry[] } = {},
) {
  const { config = CONFIG, record = recordOf(), entries = LEDGER } = view;
  const known = { history: allReleases(entries), contract: lastContract(entries) };
  return planRollback({ stack: "dev", config, record, ...known, by: "Anna", maintainedBy: undefined }, to);
}

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  return "nothing was refused";
}

describe("the plan of a rollback", () => {
  it("flips to the release that was live before, where its slot is warm", () => {
    assert.deepEqual(plan(), {
      kind: "flip",
      release: "2",
      color: "green",
      changes: { active: "green", canary: 0 },
    });
  });

  it("releases an older one again, by its images and without its migration", () => {
    const { kind, color, changes } = plan("0");
    assert.deepEqual([kind, color, changes["active"]], ["release", "green", "green"]);
    const slot = {
      release: "0",
      images: { api: "app:0" },
      migration: { ...migration, skip: true },
      by: "Anna",
    };
    assert.deepEqual(changes["green"], slot);
  });

  it("does not take a release for the way back that never served", () => {
    const record = recordOf();
    const green = record.slots.green;
    assert.ok(green);
    const never = recordOf({ slots: { ...record.slots, green: { ...green, release: "3" } } });
    const config = { ...CONFIG, green: { release: "3", images: { api: "app:3" } } };
    const entries = [...LEDGER, released(day(4), "green", "3")];
    const { kind, release } = plan(undefined, { config, record: never, entries });
    assert.deepEqual([kind, release], ["release", "2"]);
  });

  it("takes an update back that did not end, and what was live stays so", () => {
    const config = { ...CONFIG, active: "green", green: { release: "3", images: { api: "app:3" } } };
    const { kind, release, color, changes } = plan(undefined, { config });
    assert.deepEqual([kind, release, color, changes["active"]], ["restore", "1", "blue", "blue"]);
    assert.deepEqual(changes["green"], { release: "2", images: { api: "app:2" } });
  });

  it("knows the way back of before there was a ledger, and does not take what was released since for it", () => {
    const record = recordOf();
    const from = recordOf({ lastFlip: { ...record.lastFlip, previous: "green" } });
    const { kind, release } = plan(undefined, { record: from, entries: [] });
    assert.deepEqual([kind, release], ["flip", "2"]);
    const since = [released("2026-02-01T00:00:00Z", "green", "2")];
    assert.match(
      refused(() => plan(undefined, { record: from, entries: since })),
      /no release was live before 1/,
    );
  });

  it("empties a slot that had no release before an update that did not end", () => {
    const { slots } = recordOf();
    const { kind, changes } = plan(undefined, { record: recordOf({ slots: { ...slots, green: null } }) });
    assert.equal(kind, "restore");
    assert.ok("green" in changes && changes["green"] === undefined);
  });

  it("takes the visitors of a canary back", () => {
    const config = { ...CONFIG, canary: 10 };
    const { kind, changes } = plan(undefined, { config, record: recordOf({ canary: 10 }) });
    assert.deepEqual([kind, changes], ["canary", { active: "blue", canary: 0 }]);
  });

  it("puts nothing onto the colour of a canary, but goes to the release that is there", () => {
    const way = { config: { ...CONFIG, canary: 10 }, record: recordOf({ canary: 10 }) };
    assert.match(
      refused(() => plan("0", way)),
      /^10 % of visitors are on green, in a canary of release 2, where release 0 would go$/,
    );
    const { kind, changes } = plan("2", way);
    assert.deepEqual([kind, changes], ["flip", { active: "green", canary: 0 }]);
  });

  it("refuses what is live already, and what nobody knows", () => {
    assert.match(
      refused(() => plan("1")),
      /release 1 is live already/,
    );
    assert.match(
      refused(() => plan("9")),
      /no release 9 is on record/,
    );
  });

  const contract = (worksWith: string[], more: Partial<Entry<"migrated">> = {}): LedgerEntry => ({
    event: "migrated",
    ...{ at: day(3), color: "blue", release: "1", kind: "contract", worksWith },
    ...{ before: "0002", after: "0003", milliseconds: 5, ok: true, backup: "/srv/before.dump" },
    ...more,
  });

  it("says of a release that never came to its switch just that, and takes no try for a beginning", () => {
    const tried = (release: string): LedgerEntry => ({
      ...{ event: "began", at: day(4), run: release, command: "deploy", by: "Ben", release, color: "green" },
    });
    const failed = (run: string): LedgerEntry => ({
      ...{ event: "ended", at: day(4), run, command: "deploy", ok: false, milliseconds: {} },
    });
    const entries = [...LEDGER, contract(["2"]), tried("3"), failed("3"), tried("4")];
    assert.throws(
      () => plan("3", { entries }),
      (error) =>
        error instanceof Refusal &&
        error.message === "release 3 failed before its switch" &&
        error.fix === "release it anew: npx bluegreen deploy --stack dev --image api=…",
    );
    assert.match(
      refused(() => plan("4", { entries })),
      /^release 4 was cut off, or is at work, before its switch$/,
    );
    assert.match(
      refused(() => plan("0", { entries: [...entries, tried("0"), failed("0")] })),
      /^release 0 needs what the migration of 1 took away/,
    );
  });

  it("refuses the way back past a contract migration, but to whom it leaves working", () => {
    const said = refused(() => plan(undefined, { entries: [...LEDGER, contract(["0"])] }));
    assert.match(said, /release 2 needs what the migration of 1 took away/);
    assert.equal(plan(undefined, { entries: [...LEDGER, contract(["2"])] }).kind, "flip");
    assert.equal(plan("0", { entries: [...LEDGER, contract(["0"])] }).kind, "release");
    const halfway = contract([], { ok: false });
    assert.match(
      refused(() => plan(undefined, { entries: [...LEDGER, halfway] })),
      /took away/,
    );
    const failed = contract([], { ok: false, after: "0002" });
    assert.equal(plan(undefined, { entries: [...LEDGER, failed] }).kind, "flip");
    const down = contract(["1"], { byHand: true, release: "2" });
    assert.match(
      refused(() => plan(undefined, { entries: [...LEDGER, down] })),
      /release 2 needs/,
    );
  });
});

describe("a rollback to an older release across a change of the stack's parts", () => {
  const web = { apiPaths: ["/api"] };
  const to0 = (images: Readonly<Record<string, string>>, keys: PlainMap) => {
    const all = { api: "app:0", ...images };
    const entries = LEDGER.map((entry) =>
      entry.event === "released" && entry.release === "0" ? { ...entry, images: all } : entry,
    );
    return plan("0", { entries, config: { ...CONFIG, ...keys } });
  };
  const refusal = (...args: Parameters<typeof to0>): readonly [what: string, fix: string] => {
    try {
      to0(...args);
    } catch (error) {
      if (error instanceof Refusal) return [error.message, error.fix];
      throw error;
    }
    return ["nothing was refused", ""];
  };

  it("is refused with the key to take out, where the release had no pages", () => {
    assert.deepEqual(refusal({}, { web }), [
      "release 0 had no pages of its own, and the stack has the key web",
      "pulumi config rm web --stack dev, then this again",
    ]);
  });

  it("is refused with the key to put in, where the release had what the stack has no use for any more", () => {
    const [pages, put] = refusal({ web: "pages:0" }, {});
    assert.equal(pages, "release 0 had pages of its own, and the stack has no key web");
    assert.equal(
      put,
      "pulumi config set --stack dev --path 'web.apiPaths[0]' /api, or with the paths it had (git log -p Pulumi.dev.yaml), then this again",
    );
    const [jobs, back] = refusal({ worker: "jobs:0" }, {});
    assert.equal(jobs, "release 0 had an image for worker or beat, and the stack has neither key");
    assert.equal(
      back,
      "put the key worker or beat back as it was (git log -p Pulumi.dev.yaml), then this again",
    );
    const [both, fixes] = refusal({ worker: "jobs:0" }, { web });
    assert.match(both, /^release 0 had no pages .*\nrelease 0 had an image for worker/);
    assert.match(fixes, /^pulumi config rm web --stack dev; put the key worker .*, then this again$/);
  });

  it("is refused where the program would refuse it, and nowhere else", () => {
    const subsets = <T>(all: Readonly<Record<string, T>>): readonly Readonly<Record<string, T>>[] =>
      Object.entries(all).reduce<readonly Readonly<Record<string, T>>[]>(
        (sets, [key, value]) => [...sets, ...sets.map((set) => ({ ...set, [key]: value }))],
        [{}],
      );
    for (const images of subsets({ web: "pages:0", worker: "jobs:0" }))
      for (const keys of subsets({ ...WEB, ...JOBS })) {
        const green = JSON.stringify({ release: "0", images: { api: "app:0", ...images } });
        const problems = checkImages(parseConfig({ ...MINIMAL, ...keys, green }, new Set()), recordOf());
        const said = refused(() => to0(images, keys));
        const what = `images ${Object.keys(images).join()}, keys ${Object.keys(keys).join()}: ${said}`;
        assert.equal(said !== "nothing was refused", problems.length > 0, what);
      }
  });

  it("is none where the slot is warm: it has what it began with", () => {
    assert.equal(plan(undefined, { config: { ...CONFIG, web } }).kind, "flip");
  });

  it("changes nothing where it is refused", async () => {
    const stack = await StandInStack.make(":");
    try {
      await alsoSays(stack, { web: "{ apiPaths: [/api] }" });
      await stack.append(LEDGER.map((entry) => `${ledgerLine(entry)}\n`).join(""));
      const file = await stack.config();
      const { code, output } = await stack.bluegreen("rollback", "--to", "0", "--by", "Anna").done;
      assert.equal(code, EXIT.refused, output);
      assert.match(output, /pulumi config rm web --stack dev, then this again/);
      assert.deepEqual([await stack.config(), await stack.calls(), await stack.ledger()], [file, [], LEDGER]);
    } finally {
      await stack.remove();
    }
  });
});

describe("the plan of a rollback after a watch took visitors back", () => {
  const taken = (
    at: string,
    color: "blue" | "green",
    release: string,
    verdict: "bad" | "good" = "bad",
  ): LedgerEntry => ({
    event: "verdict",
    ...{ at, color, release, verdict, reason: "5 % of the answers are errors", figures: {} },
  });
  /** 1 was live on blue; 2 went live on green and came back. File and state say so too. */
  const SECOND = [
    released(day(1), "blue", "1"),
    live(day(1), "blue", "1"),
    released(day(2), "green", "2"),
    live(day(2), "green", "2"),
    taken(day(2), "green", "2"),
  ];

  it("passes over the release that is condemned: the program would refuse it", () => {
    const entries = [released(day(1), "green", "0"), live(day(1), "green", "0"), ...SECOND];
    const { kind, release, color } = plan(undefined, { entries });
    assert.deepEqual([kind, release, color], ["release", "0", "green"]);
  });

  it("is none where nothing else was live, whoever remembers it, and names no way to it", () => {
    const record = recordOf();
    for (const previous of ["none", "green"] as const) {
      const from = recordOf({ lastFlip: { ...record.lastFlip, previous } });
      assert.throws(
        () => plan(undefined, { record: from, entries: SECOND }),
        (error) =>
          error instanceof Refusal &&
          error.message === "no release was live before 1" &&
          error.fix === "npx bluegreen deploy --stack dev --image api=…",
      );
    }
  });

  it("refuses to go to it by its name, with the reason, on whichever slot it waits", () => {
    const again = [...SECOND, released(day(3), "blue", "2")];
    for (const entries of [SECOND, again]) {
      assert.match(
        refused(() => plan("2", { entries })),
        /^the watch took the visitors back from release 2: 5 % of the answers are errors$/,
      );
    }
  });

  it("goes back from it where the state still has it live, and refuses to stay", () => {
    const record = recordOf({ live: "green" });
    const view = { record, entries: SECOND, config: { ...CONFIG, active: "green" } };
    const { kind, release } = plan(undefined, view);
    assert.deepEqual([kind, release], ["flip", "1"]);
    assert.match(
      refused(() => plan("2", view)),
      /took the visitors back from release 2/,
    );
  });

  it("goes back from it, though the file was edited since: what the state says would be refused", () => {
    const edited = { ...CONFIG, retention: 3 };
    const all = plan(undefined, { record: recordOf({ live: "green" }), entries: SECOND, config: edited });
    assert.deepEqual([all.kind, all.release, all.changes], ["flip", "1", { active: "blue", canary: 0 }]);
    const share = plan(undefined, { record: recordOf({ canary: 50 }), entries: SECOND, config: edited });
    assert.deepEqual([share.kind, share.changes["canary"]], ["canary", 0]);
  });

  it("counts the last verdict: one that was let in again and held is a way back", () => {
    const good = taken(day(4), "green", "2", "good");
    const entries = [...SECOND, live(day(3), "green", "2"), good, live(day(5), "blue", "1")];
    assert.deepEqual(plan(undefined, { entries }).release, "2");
  });
});

describe("a rollback to an older release while the state does not know of the watch's verdict", () => {
  let stack: StandInStack;
  afterEach(() => stack.remove());

  it("is refused before anything begins: the slot it would go to serves", async () => {
    stack = await StandInStack.make(":");
    const bad: LedgerEntry = {
      ...{ event: "verdict", at: day(4), color: "blue", release: "1", verdict: "bad" },
      ...{ reason: "it errs", figures: {} },
    };
    const before = [...LEDGER, bad];
    await stack.append(before.map((entry) => `${ledgerLine(entry)}\n`).join(""));
    const { code, output } = await stack.bluegreen("rollback", "--to", "0", "--by", "Anna").done;
    assert.equal(code, EXIT.refused, output);
    assert.match(
      output,
      /the watch took the visitors back from release 1, and the state does not say so yet/,
    );
    assert.match(output, /npx bluegreen rollback --stack dev, then this again/);
    assert.deepEqual([await stack.calls(), await stack.ledger()], [[], before]);
    const back = await stack.bluegreen("rollback", "--to", "2", "--by", "Anna").done;
    assert.equal(back.code, EXIT.done, back.output);
  });
});

describe("a rollback that only puts the file right", () => {
  let hook: Awaited<ReturnType<typeof httpReceiver>>;
  let stack: StandInStack;
  beforeEach(async () => {
    hook = await httpReceiver(200);
  });
  afterEach(async () => {
    await stack.remove();
    await hook.close();
  });
  const rolledBack = async (canary: string) => {
    stack = await StandInStack.make(":");
    await alsoSays(stack, { canary, messages: "[{ kind: webhook, url: { secure: 'v1:…' } }]" });
    await alsoTells(stack, [{ kind: "webhook", url: `${hook.url}/hook` }]);
    await stack.append(LEDGER.map((entry) => `${ledgerLine(entry)}\n`).join(""));
    const { code, output } = await stack.bluegreen("rollback", "--by", "Anna").done;
    assert.equal(code, EXIT.done, output);
    assert.equal((await stack.calls()).length, 1, output);
    return hook.received.map(({ body }) => String(at(body, "event"))).sort();
  };

  it("tells no channel that anything began, as it tells of no end", async () => {
    assert.deepEqual(await rolledBack("10"), []);
  });

  it("is unlike one that moves visitors", async () => {
    assert.deepEqual(await rolledBack("0"), ["rolled back", "started"]);
  });
});

describe("the ledger", () => {
  it("is read past what is none of its lines", () => {
    const text = `${LEDGER.map(ledgerLine).join("\n")}\n{"event":"relea\n{"event":"of a later version"}\n`;
    assert.deepEqual(parseLedger(text), LEDGER);
  });

  it("says of each release whether it is live, replaced, idle or was undone", () => {
    const entries: readonly LedgerEntry[] = [
      ...LEDGER,
      released(day(4), "green", "3"),
      { event: "undone", at: day(4), color: "green", release: "3", reason: "5 of 20 requests failed" },
      released(day(5), "green", "4"),
    ];
    assert.deepEqual(
      releaseHistory(entries).map(({ release, verdict }) => `${release} ${verdict}`),
      ["0 replaced", "2 replaced", "1 live", "3 undone", "4 idle"],
    );
  });

  it("knows who turned maintenance on the last time", () => {
    const turned = (state: "on" | "off", by: string): LedgerEntry => ({
      ...{ event: "maintenance", at: day(1), state, by },
    });
    assert.equal(maintainedBy([turned("on", "Anna"), turned("off", "Ben")]), "Anna");
    assert.equal(maintainedBy([turned("on", "")]), undefined);
    assert.equal(maintainedBy([]), undefined);
  });

  it("knows which commands did not end, until one ends well", () => {
    const began = (run: string, command = "deploy"): Entry<"began"> => ({
      ...{ event: "began", at: day(1), run, command, by: run },
    });
    const ended = (run: string, ok: boolean): LedgerEntry => ({
      event: "ended",
      ...{ at: day(1), run, command: "deploy", ok, milliseconds: {} },
    });
    const left = (...entries: readonly LedgerEntry[]) => unfinished(entries).map(({ by }) => by);
    assert.deepEqual(left(began("a"), ended("a", true)), []);
    assert.deepEqual(left(began("a"), began("b"), ended("b", false)), ["a"]);
    assert.deepEqual(left(began("a"), began("b"), ended("b", true)), []);
    assert.deepEqual(
      left({ ...began("a"), release: "1" }, live(day(2), "blue", "1")),
      [],
      "pulumi up ended it",
    );
    const hold: LedgerEntry = { event: "hold", at: day(1), by: "Anna", seconds: 20 };
    assert.deepEqual(left(hold, { event: "held", at: day(1), milliseconds: 5, requests: 3 }), []);

    const told = (...entries: readonly LedgerEntry[]) => unfinished(entries).map(describeUnfinished).join();
    assert.match(
      told(hold),
      /^hold by Anna began .* \(the gateway let requests go by itself, 20 s later at the most\)$/,
    );
    const canary: LedgerEntry = { event: "canary", at: day(1), color: "green", release: "2", percent: 10 };
    assert.match(
      told({ ...began("Anna", "promote"), release: "2" }, canary),
      /^promote of release 2 by Anna began \S+ and did not end: it runs, or was cut off \(10 % of visitors on green\)$/,
    );
    assert.match(
      told(began("Anna", "migrate")),
      /the next migration finds out; until then it counts as done/,
    );
    const on: LedgerEntry = { event: "maintenance", at: day(1), state: "on", by: "Anna" };
    const two = told(began("Anna", "maintenance on"), on, released(day(1), "green", "3"));
    assert.match(two, /\(maintenance on; green began release 3\)$/);
  });
});
