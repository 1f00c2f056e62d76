import assert from "node:assert/strict";
import type { Color } from "../../../components/config/schema.ts";
import { type LedgerEntry, parseLedger } from "../../../components/ledger/entry.ts";
import { allReleases } from "../../../components/ledger/failed.ts";
import { releaseHistory } from "../../../components/ledger/history.ts";
import { difference, renderDifference, renderHistory } from "../../../release/show/history.ts";
import { lastTime } from "../../../release/show/last-time.ts";

const released = (at: string, release: string, commit: string, color: Color = "blue"): LedgerEntry => ({
  ...{ event: "released", at, color, release, images: { api: `app:${release}` }, commit, by: "Anna" },
});
const LEDGER: readonly LedgerEntry[] = [
  released("2026-01-01T00:00:00Z", "1", "1a2b3c4d5e6f7788"),
  {
    ...{
      event: "live",
      at: "2026-01-01T00:01:00Z",
      color: "blue",
      release: "1",
      from: "none",
      fromRelease: "none",
    },
    ...{ checkMs: 1, smokeMs: 1, flipMs: 1, proofMs: 1, bakeMs: 1, totalMs: 5250, requests: 0, errors: 0 },
  },
  released("2026-01-02T00:00:00Z", "2", "2b3c4d5e"),
  {
    event: "undone",
    at: "2026-01-02T00:01:00Z",
    color: "blue",
    release: "2",
    reason: "5 of 20 requests failed",
  },
];
const HISTORY = releaseHistory(LEDGER);

describe("what a person reads", () => {
  it("of the history: the last first, with its end", () => {
    const lines = renderHistory(HISTORY).split("\n");
    assert.match(lines[1] ?? "", /^2 .* Anna +2b3c4d5e .*undone: 5 of 20 requests failed$/);
    assert.match(lines[2] ?? "", /^1 .* 1a2b3c4d5e6f +2026-01-01T00:01:00Z +5\.3 s +live$/);
    assert.equal(renderHistory(HISTORY, 1).split("\n").length, 3);
    assert.equal(renderHistory([]), "no release yet\n");
    assert.equal(lastTime(HISTORY), "the last switch took 5.3 s, 1 ms of it watching");
    assert.equal(lastTime([]), undefined);
  });

  it("of a release that a watch took back: its reason, and who is live again", () => {
    const at = "2026-01-03T00:00:00Z";
    const release = { at, color: "green", release: "3" } as const;
    const went: LedgerEntry = {
      ...{ event: "live", ...release, from: "blue", fromRelease: "1" },
      ...{ checkMs: 1, smokeMs: 1, flipMs: 1, proofMs: 1, bakeMs: 1, totalMs: 5250, requests: 0, errors: 0 },
    };
    const watched = (verdict: "good" | "bad", reason: string): LedgerEntry => ({
      ...{ event: "verdict", ...release, verdict, reason, figures: { newRequests: 100 } },
    });
    const taken = releaseHistory([
      ...LEDGER,
      released(at, "3", "3c4d5e6f", "green"),
      went,
      watched("good", "held"),
      watched("bad", "12 % of 100 requests failed"),
    ]);
    const lines = renderHistory(taken).split("\n");
    assert.match(lines[1] ?? "", /^3 .*undone: 12 % of 100 requests failed$/);
    assert.match(lines[3] ?? "", /^1 .* live$/);
  });

  it("of a release: the commands that were about it, what they took, and how it was watched", () => {
    const begins = (run: string, command: string, release: string): LedgerEntry => ({
      ...{ event: "began", at: "2026-01-02T00:00:00Z", run, command, by: "Anna", release },
    });
    const ends = (run: string, ok: boolean): LedgerEntry => ({
      ...{ event: "ended", at: "2026-01-02T00:02:00Z", run, command: "deploy", ok },
      ...(ok
        ? { milliseconds: { plan: 4100, update: 37_000 } }
        : { reason: "no such image", milliseconds: {} }),
    });
    const verdict: LedgerEntry = {
      ...{ event: "verdict", at: "2026-01-02T00:03:00Z", color: "green", release: "2" },
      ...{ verdict: "good", reason: "held", figures: { newRequests: 100, newErrorPercent: 0.5 } },
    };
    const joined = releaseHistory([
      ...[begins("a", "deploy", "2"), ends("a", false), begins("b", "deploy", "2")],
      ...[released("2026-01-02T00:01:00Z", "2", "2b3c4d5e", "green"), ends("b", true), verdict],
      begins("c", "promote", "2"),
    ]);
    const [release] = joined;
    const by = { by: "Anna", at: "2026-01-02T00:00:00Z" };
    const at = "2026-01-02T00:02:00Z";
    assert.deepEqual(release?.runs, [
      {
        ...{ command: "deploy", ...by },
        ended: { at, ok: true, milliseconds: { plan: 4100, update: 37_000 } },
      },
      { command: "promote", ...by, ended: null },
    ]);
    assert.deepEqual(release.watched, [verdict]);
    assert.match(renderHistory(joined), /^2 .* good +idle$/m);
    assert.deepEqual(lastTime(joined), "the last deploy took 41.1 s (plan 4.1 s, update 37.0 s)");
  });

  it("of a deploy that did not come to its switch: all that the ledger has of it, of an earlier version too", () => {
    const begins = (run: string, release: string, more = ""): string =>
      `{"event":"began","at":"2026-01-02T00:00:00Z","run":"${run}","command":"deploy","by":"Ben","release":"${release}"${more}}`;
    const ends = (run: string, more: string): string =>
      `{"event":"ended","at":"2026-01-02T00:02:00Z","run":"${run}","command":"deploy",${more}}`;
    const failed =
      '"ok":false,"reason":"release 4 failed: no such image\\nblue serves; green is as it was","milliseconds":{"plan":4100}';
    const entries = parseLedger(
      [
        begins("old", "3"),
        ends("old", '"ok":false,"reason":"unhealthy","milliseconds":{}'),
        begins("a", "4", ',"color":"green","images":{"api":"app:4"},"commit":"4d5e6f7788990011"'),
        '{"event":"migrated","at":"2026-01-02T00:01:00Z","color":"green","release":"4","kind":"expand","before":"a","after":"b","milliseconds":700,"ok":false}',
        ends("a", failed),
        begins("refused", "5"),
        ends("refused", '"ok":false,"reason":"not carried out","refused":true,"milliseconds":{}'),
        JSON.stringify(released("2026-01-02T00:03:00Z", "6", "6f7788990011")),
        begins("cut", "7"),
      ].join("\n"),
    );
    assert.equal(entries.length, 9);
    const all = allReleases([...LEDGER, ...entries]);
    assert.deepEqual(
      all.map(({ release, color, verdict }) => [release, color, verdict]),
      [
        ...[
          ["1", "blue", "live"],
          ["2", "blue", "undone"],
          ["3", null, "failed"],
          ["4", "green", "failed"],
        ],
        ...[
          ["6", "blue", "idle"],
          ["7", null, "unfinished"],
        ],
      ],
    );
    const four = all.find(({ release }) => release === "4");
    assert.deepEqual(
      [four?.images, four?.commit, four?.by, four?.migration?.ok],
      [{ api: "app:4" }, "4d5e6f7788990011", "Ben", false],
    );
    assert.deepEqual(four?.runs[0]?.ended?.milliseconds, { plan: 4100 });
    const text = renderHistory(all);
    assert.match(text, /^4 +green .* Ben +4d5e6f778899 .*failed before its switch: no such image$/m);
    assert.match(text, /^3 .*failed before its switch: unhealthy$/m);
    assert.match(text, /^7 .*unfinished: cut off before its switch, or at work$/m);
    assert.match(renderDifference(difference(all, "3", "4"), "3", "4"), /^image api +none +app:4$/m);
    assert.deepEqual(
      releaseHistory(entries).map(({ release }) => release),
      ["6"],
      "nothing leads back to it",
    );
  });

  describe("of a release that was tried more than once", () => {
    const about = { at: "2026-01-05T00:00:00Z", command: "deploy" };
    const began = (run: string): LedgerEntry => ({
      ...{ event: "began", ...about, run, by: run, release: "4", color: "green", images: { api: "app:4" } },
    });
    const failed = (run: string, reason: string): LedgerEntry => ({
      ...{ event: "ended", ...about, run, ok: false, reason, milliseconds: {} },
    });
    const migrated = (ok: boolean): LedgerEntry => ({
      ...{ event: "migrated", at: about.at, color: "green", release: "4", kind: "expand", worksWith: [] },
      ...{ before: "a", after: "b", milliseconds: 5, ok },
    });
    const reached = [
      began("Anna"),
      released(about.at, "4", "4d5e", "green"),
      failed("Anna", "a smoke check"),
    ];
    const tries = (...entries: readonly LedgerEntry[]) =>
      allReleases([...LEDGER, ...entries])
        .filter(({ release }) => release === "4")
        .map(({ verdict, runs }) => `${verdict}: ${runs.map(({ by }) => by).join(", ")}`);

    it("each that failed before its switch, though one came to it before", () => {
      const second = [began("Ben"), migrated(false), failed("Ben", "it migrates nothing")];
      assert.deepEqual(tries(...reached, ...second), ["idle: Anna", "failed: Ben"]);
      const meanwhile = released(about.at, "5", "5e6f", "green");
      assert.deepEqual(tries(...reached, meanwhile, began("Ben"), failed("Ben", "no such image")), [
        ...["idle: Anna", "failed: Ben"],
      ]);
    });

    it("with the one before, where its slot had nothing new to say and nothing tells that it failed sooner", () => {
      const second = [began("Ben"), migrated(true), failed("Ben", "a smoke check")];
      assert.deepEqual(tries(...reached, ...second), ["idle: Anna, Ben"]);
      assert.deepEqual(tries(...reached, began("Ben")), ["idle: Anna, Ben"]);
    });

    it("one that was cut off before its switch, though another came to it since", () => {
      const later = [began("Ben"), migrated(true), released(about.at, "4", "4d5e", "green")];
      assert.deepEqual(tries(began("Anna"), migrated(false), ...later), ["unfinished: Anna", "idle: Ben"]);
      assert.deepEqual(
        tries(began("Anna"), released(about.at, "4", "4d5e", "green")),
        ["idle: Anna"],
        "pulumi up carried it on",
      );
    });
  });

  it("of the difference between two releases", () => {
    const found = difference(HISTORY, "1", "2");
    assert.deepEqual(found[0], { what: "image api", a: "app:1", b: "app:2" });
    assert.match(renderDifference(found, "1", "2"), /^commit +1a2b3c4d5e6f7788 +2b3c4d5e$/m);
    assert.match(renderDifference(difference(HISTORY, "1", "1"), "1", "1"), /do not differ/);
    assert.throws(() => difference(HISTORY, "1", "9"), /no release 9 is on record/);
  });
});
