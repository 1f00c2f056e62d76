import assert from "node:assert/strict";
import { MARKER, renderComment } from "../../../delivery/preview/comment.ts";
import type { StackPlan } from "../../../delivery/preview/plan.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const PLAN: StackPlan = {
  stack: "prod",
  steps: [],
  same: 41,
  memory: "576 MB promised of 3264 MB",
  cost: "about 26.00 USD a month",
  live: { kind: "untouched", live: "blue" },
  policy: [],
  errors: [],
  warnings: [],
};
const step = (name: string, diffs: readonly string[] = []) => ({
  op: "update",
  type: "Command",
  name,
  diffs,
});

describe("the comment on a pull request", () => {
  it("is one table, a row for each stack, with the marker it is found by", () => {
    const text = renderComment([{ ...PLAN, stack: "dev" }, PLAN], COMMIT);
    assert.ok(text.startsWith(MARKER));
    assert.match(text, /as of 0123456789ab$/m);
    assert.match(text, /^\| dev \| nothing \(41 same\) \| no: blue goes on as it is \| `576 MB promised/m);
    assert.match(text, /^\| prod \|.*\| `about 26.00 USD a month` \|$/m);
    assert.doesNotMatch(text, /<details/);
    assert.match(text, /^\| staging \| \*\*no plan\*\*: the log of its job says why \|/m);
    assert.deepEqual(
      [...text.matchAll(/^\| (dev|staging|prod) /gm)].map(([, stack]) => stack),
      ["dev", "staging", "prod"],
    );
  });

  it("lists what changes", () => {
    const text = renderComment(
      [{ ...PLAN, steps: [step("switch-flip", ["stdin"]), step("host-scripts")] }],
      COMMIT,
    );
    assert.match(text, /\| prod \| 2 update \(41 same\) \|/);
    assert.match(text, /^<details><summary>prod: 2 update/m);
    assert.match(text, /^- update Command `switch-flip`: `stdin`\n- update Command `host-scripts`$/m);
  });

  const LIVE = [
    [{ kind: "first" }, /nothing serves yet/],
    [{ kind: "switched", live: "blue", to: "green" }, /visitors move from blue to green/],
    [{ kind: "switched", live: "blue", to: "blue" }, /the switch runs again, blue stays live/],
    [{ kind: "touched", live: "blue", resources: ["replace api"] }, /\*\*yes\*\*: `replace api`/],
  ] as const;
  for (const [live, expected] of LIVE)
    it(`says what ${live.kind} means`, () => {
      assert.match(renderComment([{ ...PLAN, live }], COMMIT), expected);
    });

  it("opens where something is wrong, and says refused", () => {
    const text = renderComment(
      [{ ...PLAN, policy: ["not-root: api: runs as root"], warnings: ["dear"] }],
      COMMIT,
    );
    assert.match(text, /\*\*refused\*\*/);
    assert.match(text, /<details open>/);
    assert.match(text, /- policy: `not-root: api: runs as root`\n- warning: `dear`/);
    assert.match(renderComment([{ ...PLAN, errors: ["no key"] }], COMMIT), /- error: `no key`/);
  });

  it("lets no text of a plan be more than text", () => {
    const hostile = "`</details> | @everyone\n# <img src=x>";
    const text = renderComment(
      [{ ...PLAN, errors: [hostile], memory: hostile, steps: [step(hostile)] }],
      COMMIT,
    );
    for (const line of text.split("\n").filter((one) => one.includes("@everyone")))
      assert.match(line, /`'<\/details> \\?\| @everyone # <img src=x>`/);
    assert.equal(text.split("\n").filter((line) => line.startsWith("| prod")).length, 1);
  });

  it("fits into what GitHub takes, and says how much is left out", () => {
    const many = Array.from({ length: 101 }, (_, i) => step(`one-${i}`));
    assert.match(renderComment([{ ...PLAN, steps: many }], COMMIT), /- and 1 more$/m);
    const long = Array.from({ length: 100 }, (_, i) => step(`${"x".repeat(1000)}-${i}`));
    const text = renderComment([{ ...PLAN, steps: long }], COMMIT);
    assert.ok(text.length < 65_536);
    assert.match(text, /- and 100 more$/m);
  });
});
