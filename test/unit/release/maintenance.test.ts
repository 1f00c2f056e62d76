import assert from "node:assert/strict";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { holdTime } from "../../../release/hold/command.ts";
import { type MaintenanceRequest, planMaintenance } from "../../../release/maintenance/plan.ts";
import { recordOf } from "../../support/fixtures.ts";

const CONFIG: PlainMap = {
  active: "blue",
  blue: { release: "1", images: { api: "app:1" } },
  green: { release: "2", images: { api: "app:2" } },
};
const ON: MaintenanceRequest = { state: "on", retryAfterSeconds: 600, by: "Anna" };
const OFF: MaintenanceRequest = { state: "off", by: "Anna" };

function plan(request: MaintenanceRequest, record: StackRecord = recordOf(), config: PlainMap = CONFIG) {
  return planMaintenance({ stack: "dev", config, record }, request);
}

describe("the plan of maintenance", () => {
  it("is one key of the config, set or taken out", () => {
    assert.deepEqual(plan(ON), { maintenance: { retryAfterSeconds: 600, by: "Anna" } });
    assert.deepEqual(plan(OFF, recordOf({ maintenance: 600 })), { maintenance: undefined });
    assert.deepEqual(plan(ON, recordOf({ maintenance: 60 })), {
      maintenance: { retryAfterSeconds: 600, by: "Anna" },
    });
  });

  it("takes the key out where the update that set it never ended", () => {
    assert.deepEqual(plan(OFF, recordOf(), { ...CONFIG, maintenance: {} }), { maintenance: undefined });
  });

  it("refuses what is so already, what is too long, and a file that was not carried out", () => {
    assert.throws(() => plan(ON, recordOf({ maintenance: 600 })), /on already/);
    assert.throws(() => plan(OFF), /off already/);
    assert.throws(() => plan({ ...ON, retryAfterSeconds: 86_401 }), /a day at the most/);
    assert.throws(() => plan(ON, recordOf(), { ...CONFIG, active: "green" }), /says active: green/);
  });
});

describe("the time of a hold", () => {
  it("is 30 seconds at the most", () => {
    assert.equal(holdTime("30s"), 30);
    assert.throws(() => holdTime("31s"), /30s at the most/);
    assert.throws(() => holdTime("1m"), /maintenance on/);
    assert.throws(() => holdTime("soon"), /a time such as/);
  });
});
