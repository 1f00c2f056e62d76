import assert from "node:assert/strict";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { planPromote } from "../../../release/promote/plan.ts";
import { recordOf } from "../../support/fixtures.ts";

const CONFIG: PlainMap = {
  active: "blue",
  blue: { release: "1", images: { api: "app:1" } },
  green: { release: "2", images: { api: "app:2" } },
};

function plan(
  percent: number,
  record: StackRecord = recordOf(),
  config: PlainMap = { ...CONFIG, canary: record.canary },
) {
  return planPromote({ stack: "dev", config, record }, percent);
}

describe("the plan of a promotion", () => {
  it("gives the waiting release a share of the visitors", () => {
    assert.deepEqual(plan(10), {
      ...{ release: "2", color: "green", percent: 10, changes: { canary: 10 } },
      back: { live: "blue", canary: 0 },
    });
    assert.deepEqual(plan(50, recordOf({ canary: 10 })).back, { live: "blue", canary: 0 });
  });

  it("makes it live with all of them, and ends the canary", () => {
    assert.deepEqual(plan(100, recordOf({ canary: 50 })).changes, { active: "green", canary: 0 });
  });

  it("refuses what is so already, an empty slot, and a file that was not carried out", () => {
    assert.throws(() => plan(10, recordOf({ canary: 10 })), /10 % of visitors are on release 2 already/);
    const { slots } = recordOf();
    const { active, blue } = CONFIG;
    assert.throws(
      () =>
        plan(10, recordOf({ slots: { ...slots, green: null } }), {
          active: active ?? null,
          blue: blue ?? null,
        }),
      /no release waits on green/,
    );
    assert.throws(() => plan(10, recordOf(), { ...CONFIG, active: "green" }), /says active: green/);
  });
});
