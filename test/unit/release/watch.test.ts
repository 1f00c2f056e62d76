import assert from "node:assert/strict";
import { join } from "node:path";
import { EXIT } from "../../../release/outcome.ts";
import {
  holdSeconds,
  isSentTo,
  parseDuration,
  parseWatchState,
  renderWatchPlan,
  stepSeconds,
} from "../../../release/watch/plan.ts";
import { settingsOf } from "../../support/fixtures.ts";
import { run } from "../../support/process.ts";

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

  it("holds for a time that people write", () => {
    assert.deepEqual(["30s", "10m", "2h", "5", "m", "1d", ""].map(parseDuration), [
      30,
      600,
      7200,
      ...Array<undefined>(4).fill(undefined),
    ]);
  });
});
