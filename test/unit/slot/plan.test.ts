import assert from "node:assert/strict";
import type { Color, Release } from "../../../components/config/schema.ts";
import { planSlots, specOf } from "../../../components/slot/plan.ts";
import { parseRecord } from "../../../components/slot/record.ts";
import { JOBS, recordOf, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const release = (id: string): Release => ({ release: id, images: { api: `app:${id}` } });

/** Begins a release with settings that differ in everything shared from those the record was made with. */
function beginLater(color: Color, wanted: Release) {
  return slotSpecOf(
    color,
    wanted,
    settingsOf({
      environment: '{"LOG_LEVEL":"debug"}',
      memoryMb: '{"api":512}',
      switch: '{"drainSeconds":99}',
    }),
  );
}

describe("the plan of both slots", () => {
  const cases: {
    readonly name: string;
    readonly wanted: { blue?: Release; green?: Release };
    readonly previous: boolean;
    readonly expected: readonly [string, string];
  }[] = [
    {
      name: "first up, both",
      wanted: { blue: release("1"), green: release("2") },
      previous: false,
      expected: ["released", "released"],
    },
    {
      name: "first up, one",
      wanted: { blue: release("1") },
      previous: false,
      expected: ["released", "empty"],
    },
    {
      name: "nothing new",
      wanted: { blue: release("1"), green: release("2") },
      previous: true,
      expected: ["kept", "kept"],
    },
    {
      name: "a release onto green",
      wanted: { blue: release("1"), green: release("3") },
      previous: true,
      expected: ["kept", "released"],
    },
    { name: "green emptied", wanted: { blue: release("1") }, previous: true, expected: ["kept", "empty"] },
    {
      name: "an earlier id again",
      wanted: { blue: release("1"), green: release("1") },
      previous: true,
      expected: ["kept", "released"],
    },
  ];
  for (const { name, wanted, previous, expected } of cases) {
    it(name, () => {
      const plans = planSlots(wanted, previous ? recordOf() : undefined, beginLater);
      assert.deepEqual([plans.blue.kind, plans.green.kind], expected);
    });
  }

  it("declares a kept slot exactly as it began, whatever else changed since (invariant 1)", () => {
    const previous = recordOf();
    const plans = planSlots({ blue: release("1"), green: release("3") }, previous, beginLater);
    assert.deepEqual(specOf(plans.blue), previous.slots.blue);
    assert.notDeepEqual(specOf(plans.green), previous.slots.green);
    assert.equal(specOf(plans.green)?.containers.api.memory, 512);
  });
});

describe("the record of a stack", () => {
  it("is none before the first up", () => {
    assert.equal(parseRecord(undefined), undefined);
  });

  it("of a stack with jobs comes back exactly as it was written", () => {
    const slots = {
      blue: slotSpecOf("blue", release("1"), settingsOf(JOBS)),
      green: slotSpecOf(
        "green",
        { release: "2", images: { api: "app:2", worker: "jobs:2" } },
        settingsOf(JOBS),
      ),
    };
    const record = recordOf({ slots });
    assert.deepEqual(parseRecord(JSON.parse(JSON.stringify(record))), record);
  });

  it("comes back exactly as it was written", () => {
    const record = recordOf();
    assert.deepEqual(parseRecord(JSON.parse(JSON.stringify(record))), record);
  });

  it("is refused when it holds what this version does not know: leaving it out would replace a live container", () => {
    const record = recordOf();
    assert.throws(() => parseRecord({ ...record, more: true }), /another version of the program/);
    assert.throws(() => parseRecord({ ...record, version: 2 }), /another version of the program/);
  });
});
