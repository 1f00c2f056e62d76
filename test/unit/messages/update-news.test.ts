import assert from "node:assert/strict";
import { updateNews } from "../../../components/messages/update-news.ts";
import type { Color } from "../../../components/config/schema.ts";
import type { SlotPlan } from "../../../components/slot/plan.ts";
import { recordOf, slotSpecOf } from "../../support/fixtures.ts";

const slot = (kind: "kept" | "released", color: Color, release: string): SlotPlan => ({
  kind,
  spec: slotSpecOf(color, { release, images: { api: `app:${release}` } }),
});
/** Release 1 on blue, 2 on green, as they were. */
const KEPT = { blue: slot("kept", "blue", "1"), green: slot("kept", "green", "2") };
const NEW = { ...KEPT, green: slot("released", "green", "3") };

/** What runs, and which releases were live, the last first. */
function before(live: Color, canary = 0, ...recent: readonly string[]) {
  const one = recordOf().recent[0] ?? {
    ...{ color: "blue", from: "none", images: {}, switchedAt: "2026-01-01T00:00:00Z", totalMs: 1 },
  };
  return { live, canary, recent: recent.map((release) => ({ ...one, color: live, from: live, release })) };
}
const told = (...args: Parameters<typeof updateNews>): readonly unknown[] => {
  const { release, color, begins, ends } = updateNews(...args);
  return [
    release,
    color,
    begins,
    ends === undefined ? "nothing" : "percent" in ends ? ends.percent : ends.event,
  ];
};

describe("what an update tells", () => {
  it("is the first release that is live, and every later one, also one that begins with it", () => {
    const first = { blue: slot("released", "blue", "1"), green: slot("released", "green", "2") };
    assert.deepEqual(told({ active: "blue", canary: 0 }, first, undefined), ["1", "blue", true, "live"]);
    const live = before("blue", 0, "1");
    assert.deepEqual(told({ active: "green", canary: 0 }, KEPT, live), ["2", "green", false, "live"]);
    assert.deepEqual(told({ active: "green", canary: 0 }, NEW, live), ["3", "green", true, "live"]);
  });

  it("is the way back to what was live before, and not the way forward again", () => {
    const flip = (active: Color, live: Color, ...recent: readonly string[]) =>
      told({ active, canary: 0 }, KEPT, before(live, 0, ...recent));
    assert.deepEqual(flip("blue", "green", "2", "1"), ["1", "blue", true, "rolled back"]);
    assert.deepEqual(flip("green", "blue", "1", "2", "1"), ["2", "green", false, "live"]);
    assert.deepEqual(flip("blue", "green", "2", "1", "2", "1"), ["1", "blue", true, "rolled back"]);
  });

  it("is each step of a canary, and the way back from one", () => {
    const step = (canary: number, was: number, plans = KEPT) =>
      told({ active: "blue", canary }, plans, before("blue", was, "1"));
    assert.deepEqual(step(10, 0), ["2", "green", false, 10]);
    assert.deepEqual(step(10, 50), ["2", "green", false, 10]);
    assert.deepEqual(step(10, 0, NEW), ["3", "green", true, 10]);
    assert.deepEqual(step(10, 10, NEW), ["3", "green", true, 10]);
    assert.deepEqual(step(0, 10), ["1", "blue", true, "rolled back"]);
  });

  it("is a release that waits, and nothing where all is as it was", () => {
    const still = (canary: number, plans = KEPT) =>
      told({ active: "blue", canary }, plans, before("blue", canary, "1"));
    assert.deepEqual(still(0, NEW), ["3", "green", true, "waiting"]);
    assert.deepEqual(still(0), ["1", "blue", false, "nothing"]);
    assert.deepEqual(still(10), ["1", "blue", false, "nothing"]);
  });
});
