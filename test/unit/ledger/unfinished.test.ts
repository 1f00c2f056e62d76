import assert from "node:assert/strict";
import type { LedgerEntry } from "../../../components/ledger/entry.ts";
import { describeUnfinished, unfinished } from "../../../components/ledger/unfinished.ts";

const at = "2026-01-01T00:00:00Z";
const began = (run: string): LedgerEntry => ({
  ...{ event: "began", at, run, command: "deploy", by: "Anna", release: "3" },
});
const ended = (run: string, command = "deploy", left?: string): LedgerEntry => ({
  ...{ event: "ended", at, run, command, ok: left === undefined, milliseconds: {} },
  ...(left !== undefined && { left }),
});
const released: LedgerEntry = { event: "released", at, color: "green", release: "3", images: {} };

describe("what a command could not put back", () => {
  const left = "green could not be put back (locked): pulumi up --stack dev";
  const failed = [began("a"), ended("a", "deploy", left)];
  const told = (...later: readonly LedgerEntry[]) =>
    unfinished([...failed, ...later]).map(describeUnfinished);

  it("is told to whoever comes next, with how to go on", () => {
    const line = `deploy of release 3 by Anna, begun ${at}, failed; ${left}, unless somebody did since`;
    assert.deepEqual(told(), [line]);
    assert.deepEqual(told(began("m"), ended("m", "migrate")), [line], "a migration puts nothing back");
  });

  it("is settled by whatever carried the whole stack out since", () => {
    assert.deepEqual(told(began("b"), ended("b", "promote")), []);
    assert.deepEqual(told(released), [], "pulumi up by hand, to its switch");
    assert.deepEqual(unfinished([began("a"), released, ...failed.slice(1)]).length, 1, "not before");
  });
});

describe("what began between a deploy's update and the end of its watch", () => {
  const deployed = [began("a"), ended("a")];
  const maintenance: LedgerEntry = { event: "began", at, run: "m", command: "maintenance on", by: "Ben" };
  const said = (...since: readonly LedgerEntry[]) =>
    unfinished([...deployed, ...since, ended("a")]).map(({ command, left }) => left ?? command);

  it("is not settled by the end of the watch, which carried nothing out", () => {
    assert.deepEqual(said(maintenance), ["maintenance on"]);
    assert.deepEqual(said(began("r"), ended("r", "rollback", "green is half")), ["green is half"]);
  });

  it("is settled by the steps of a canary, which have ends of their own", () => {
    assert.deepEqual(said(maintenance, began("p"), ended("p", "promote")), []);
  });
});
