import assert from "node:assert/strict";
import { namesOf } from "../../../components/config/names.ts";
import type { Color } from "../../../components/config/schema.ts";
import { parseLines } from "../../../components/host/observation.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import { planMigrate } from "../../../release/migrate/plan.ts";
import type { WatchState } from "../../../release/watch/plan.ts";
import { recordOf } from "../../support/fixtures.ts";

const names = namesOf({ project: "bluegreen", stack: "dev" });
const command = ["migrate", "--down", "0001"];

/** Blue runs 1 and is live, green runs 2. */
const plan = (
  release: string,
  worksWith: readonly string[],
  record: StackRecord = recordOf(),
  watch: WatchState = { kind: "none" },
) => planMigrate({ record, names, watch }, { release, worksWith, command });

describe("a migration that belongs to no release", () => {
  it("runs in a release's image as a contract, by hand", () => {
    const { color, text, timeoutSeconds } = plan("2", ["1", "0"]);
    const lines = parseLines(text);
    assert.deepEqual([color, timeoutSeconds], ["green", 60]);
    const said = ["release", "kind", "worksWith", "byHand", "backup"].map((key) => lines.get(key));
    assert.deepEqual(said, ["2", "contract", '["1","0"]', "yes", "dump"]);
    assert.match(lines.get("run") ?? "", / app:2 migrate --down 0001$/);
  });

  it("is refused where a release that serves would not work afterwards", () => {
    assert.throws(() => plan("2", ["2"]), /release 1 serves on blue, and is not among those/);
    assert.throws(() => plan("2", ["1"], recordOf({ canary: 10 })), /release 2 serves on green/);
    assert.equal(plan("2", ["1", "2"], recordOf({ canary: 10 })).color, "green");
  });

  it("is refused where the way back of a release that is being watched would not work afterwards", () => {
    const watched = (color: Color): WatchState => {
      return { kind: "watching", color, release: color === "blue" ? "1" : "2", until: 1767225600 };
    };
    assert.throws(
      () => plan("1", ["1"], recordOf(), watched("blue")),
      /release 2 on green is the way back of release 1, which is being watched until 2026-01-01T00:00:00Z, and is not among those/,
    );
    assert.equal(plan("1", ["1", "2"], recordOf(), watched("blue")).color, "blue");
    assert.equal(
      plan("1", ["1"], recordOf(), { kind: "verdict", verdict: "good", reason: "" }).color,
      "blue",
    );
    // Of a canary the way back is live, and asked as such.
    assert.throws(
      () => plan("2", ["2"], recordOf({ canary: 10 }), watched("green")),
      /release 1 serves on blue/,
    );
  });

  it("is refused where no slot has the release", () => {
    assert.throws(() => plan("9", ["1"]), /no slot has release 9/);
  });
});
