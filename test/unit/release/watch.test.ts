import assert from "node:assert/strict";
import { join } from "node:path";
import type { Plain } from "../../../release/config-file.ts";
import { EXIT, Refusal } from "../../../release/outcome.ts";
import {
  describeUnwatched,
  holdSeconds,
  isSentTo,
  parseDuration,
  parseWatchState,
  renderWatchPlan,
  stepSeconds,
} from "../../../release/watch/plan.ts";
import { settingsOf } from "../../support/fixtures.ts";
import { run } from "../../support/process.ts";
import { alsoSays } from "../../support/stand-in-asked.ts";
import { StandInStack } from "../../support/stand-in-stack.ts";

describe("the plan of a watch", () => {
  it("says what is watched, where visitors go back to, and the limits", () => {
    const watched = { live: "green", canary: "0", "release.blue": "1", "release.green": "2" };
    const plan = renderWatchPlan({
      ...{ id: "5f3a", color: "green", release: "2", containers: ["api-green", "worker-green"] },
      ...{ seconds: 7, watched },
      ...{ back: { live: "blue", canary: "0" }, limits: settingsOf().watch },
    });
    assert.equal(
      plan,
      `id 5f3a
color green
release 2
containers api-green worker-green
seconds 7
watched live green;canary 0;release.blue 1;release.green 2
back live blue;canary 0;release.blue 1;release.green 2
maxErrorPercent 1
worseErrorPercent 1
maxP99Ms 0
worseP99Factor 4
minRequests 100
`,
    );
  });

  it("is made only for a release that visitors are sent to", () => {
    const state = { live: "blue", canary: "0", "release.blue": "1", "release.green": "2" };
    const green = { color: "green", release: "2" } as const;
    assert.equal(isSentTo(green, { ...state, live: "green" }), true);
    assert.equal(isSentTo(green, { ...state, canary: "10" }), true);
    assert.equal(isSentTo(green, state), false, "a rollback came in between");
    assert.equal(isSentTo(green, { ...state, live: "green", "release.green": "3" }), false);
  });

  it("has an answer", () => {
    assert.deepEqual(parseWatchState("none\n"), { kind: "none" });
    const watching = { kind: "watching", color: "green", release: "2", until: 7 };
    assert.deepEqual(parseWatchState("watching green 2 7\n"), watching);
    const verdict = { kind: "verdict", verdict: "bad", reason: "5 % of them" };
    assert.deepEqual(parseWatchState("verdict bad 5 % of them\n"), verdict);
  });

  it("lasts as long as asked for, else as the stack's config says, half an hour by itself", () => {
    assert.equal(holdSeconds(undefined, {}), 1800);
    assert.equal(holdSeconds(undefined, { watch: { holdMinutes: 10 } }), 600);
    assert.equal(holdSeconds(5, { watch: { holdMinutes: 10 } }), 5);
    assert.equal(holdSeconds(0, {}), 0, "not at all");
    assert.equal(holdSeconds(undefined, { watch: { holdMinutes: 0 } }), 0);
  });

  it("holds each step of a canary, on a stack that watches nothing else too", () => {
    assert.equal(stepSeconds(600), 600);
    assert.equal(stepSeconds(0), 1800);
  });

  it("is asked of each step: a canary that would hold none is refused before anything else", async () => {
    const command = join(import.meta.dirname, "../../../release/bluegreen.ts");
    const words = ["deploy", "--image", "api=app:2", "--canary", "10,100", "--hold", "0s"];
    const refused = await run(process.execPath, [command, ...words], { cwd: "/" });
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.match(refused.output, /--hold got 0s/);
  });

  it("is refused where the config's limits are none, with what is wrong and what to type", () => {
    const refused = (watch: Plain): readonly string[] => {
      try {
        holdSeconds(undefined, { watch });
      } catch (error) {
        if (error instanceof Refusal) return [error.message, error.fix];
        throw error;
      }
      return [];
    };
    const [typo = "", rm] = refused({ holdMinuts: 5 });
    assert.match(
      typo,
      /^bluegreen:watch\.holdMinuts: got a key that does not exist; allowed: .*"holdMinutes"$/,
    );
    assert.equal(rm, "pulumi config rm --path 'watch.holdMinuts', with the same --stack");
    const [two = ""] = refused({ holdMinutes: "soon", maxErrorRate: 7 });
    assert.match(
      two,
      /holdMinutes: got "soon"; allowed: [^]*\nbluegreen:watch\.maxErrorRate: got 7; allowed: /,
    );
    assert.deepEqual(refused('{"holdMinutes":5}'), [], "as `pulumi config set` writes it without --path");
    assert.equal(holdSeconds(undefined, { watch: '{"holdMinutes":5}' }), 300);
    assert.deepEqual(refused("soon").length, 2);
  });

  it("ends, where it was not to the end, with where visitors are", () => {
    const told = (verdict: string, reason: string) => describeUnwatched("42", { verdict, reason }, "prod");
    const lost = told("lost", "the host was restarted");
    assert.match(
      lost,
      /^release 42 was not watched to the end, and is where it was: lost: the host was restarted\n/,
    );
    const moved = told("superseded", "visitors were sent elsewhere: live blue, canary 0 %");
    assert.doesNotMatch(moved, /is where it was/);
    assert.match(
      moved,
      /^release 42 was not watched to the end: visitors were sent elsewhere meanwhile \(superseded: .*live blue, canary 0 %\)\n/,
    );
    for (const text of [lost, moved]) assert.match(text, /\n.*npx bluegreen status --stack prod$/);
  });

  it("holds for a time that people write", () => {
    assert.deepEqual(["30s", "10m", "2h", "5", "m", "1d", ""].map(parseDuration), [
      30,
      600,
      7200,
      ...Array<undefined>(4).fill(undefined),
    ]);
  });
});

describe("a key of the watch that does not exist", () => {
  let stack: StandInStack;
  beforeEach(async () => {
    stack = await StandInStack.make(":");
    await alsoSays(stack, { watch: "{ holdMinuts: 5 }" });
  });
  afterEach(() => stack.remove());

  for (const words of [
    ["promote", "--to", "10", "--by", "Anna"],
    ["deploy", "--image", "api=app:3", "--by", "Anna", "--yes"],
  ])
    it(`refuses a ${String(words[0])} before anything begins`, async () => {
      const { code, stderr } = await stack.bluegreen(...words).done;
      assert.equal(code, EXIT.refused, stderr);
      assert.match(stderr, /^bluegreen:watch\.holdMinuts: got a key that does not exist/m);
      assert.doesNotMatch(stderr, /^ +at /m);
      assert.deepEqual(await stack.calls(), []);
    });
});
