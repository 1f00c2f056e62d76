import assert from "node:assert/strict";
import { parseDuration, parseWatchState, renderWatchPlan } from "../../../release/watch/plan.ts";
import { settingsOf } from "../../support/fixtures.ts";

describe("the plan of a watch", () => {
  it("says what is watched, where visitors go back to, and the limits", () => {
    const watched = { live: "green", canary: "0", "release.blue": "1", "release.green": "2" };
    const plan = renderWatchPlan({
      ...{ color: "green", release: "2", container: "api-green", seconds: 7, watched },
      ...{ back: { live: "blue", canary: "0" }, limits: settingsOf().watch },
    });
    assert.equal(
      plan,
      `color green
release 2
container api-green
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

  it("has an answer", () => {
    assert.deepEqual(parseWatchState("none\n"), { kind: "none" });
    const watching = { kind: "watching", color: "green", release: "2", until: 7 };
    assert.deepEqual(parseWatchState("watching green 2 7\n"), watching);
    const verdict = { kind: "verdict", verdict: "bad", reason: "5 % of them" };
    assert.deepEqual(parseWatchState("verdict bad 5 % of them\n"), verdict);
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
