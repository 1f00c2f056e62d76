import assert from "node:assert/strict";
import { checkWatch } from "../../../components/config/watch-rules.ts";
import { recordOf, settingsOf } from "../../support/fixtures.ts";

const previous = recordOf();

/** Blue runs 1 and is live, green runs 2; what differs from that is asked for. */
function problems(asked: Readonly<Record<string, string>>, watch: { watch?: string; condemned?: string }) {
  return checkWatch(settingsOf(asked), previous, watch);
}

describe("a release that is watched", () => {
  const watching = { watch: "green 2 1767225600" };

  it("keeps its way back: no release onto the other slot until the watch is over", () => {
    const [problem] = problems({ blue: '{"release":"3","images":{"api":"app:3"}}' }, watching);
    assert.equal(problem?.key, "blue.release");
    assert.match(problem.allowed, /^"1" until 2026-01-01T00:00:00Z: release 2 on green is being watched/);
    assert.match(problem.fix, /bluegreen watch --stop/);
  });

  it("stands in nobody's way who changes something else", () => {
    assert.deepEqual(problems({ active: "green" }, watching), []);
    assert.deepEqual(problems({ green: '{"release":"3","images":{"api":"app:3"}}' }, watching), []);
    assert.deepEqual(problems({ blue: '{"release":"3","images":{"api":"app:3"}}' }, {}), []);
  });

  it("that visitors were taken back from gets them no more, all of them or some", () => {
    const bad = { condemned: "0 2" };
    assert.deepEqual(
      problems({ active: "green" }, bad).map(({ key, got }) => `${key}: ${got}`),
      ['active: "green", which runs release 2'],
    );
    assert.deepEqual(
      problems({ canary: "10" }, bad).map(({ key, got }) => `${key}: ${got}`),
      ["canary: 10 for release 2 on green"],
    );
    assert.deepEqual(problems({}, bad), [], "what only waits is no problem");
  });

  it("is no question before the first up", () => {
    assert.deepEqual(checkWatch(settingsOf({ active: "green" }), undefined, { condemned: "2" }), []);
  });
});
