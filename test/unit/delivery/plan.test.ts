import assert from "node:assert/strict";
import { readEvents } from "../../../delivery/preview/events.ts";
import { type StackPlan, isSound, planOf, stackPlan } from "../../../delivery/preview/plan.ts";
import { SUMMARY, stackEvents, stepEvent, streamed, urnOf } from "./events.ts";

const CONTAINER = "docker:index/container:Container";
const OUTPUTS = { live: "blue", plan: { memory: "576 MB promised", cost: "about 26.00 USD a month" } };

function planned(events: readonly object[], before: object | null = OUTPUTS, active = "blue"): StackPlan {
  return planOf("prod", readEvents(streamed([...stackEvents(before, OUTPUTS), ...events, SUMMARY])), active);
}

describe("the plan of a stack", () => {
  it("names what changes, with what differs, and counts what does not", () => {
    const plan = planned([
      stepEvent({ op: "same", name: "host" }),
      stepEvent({ op: "update", name: "host-scripts", diffs: ["stdin"] }),
    ]);
    assert.deepEqual(plan.steps, [{ op: "update", type: "Command", name: "host-scripts", diffs: ["stdin"] }]);
    assert.equal(plan.same, 1);
    assert.equal(isSound(plan), true);
    assert.deepEqual(stackPlan.parse(JSON.parse(JSON.stringify(plan))), plan);
  });

  it("takes memory and cost from the planned outputs, and says so where nothing is rented", () => {
    assert.deepEqual([planned([]).memory, planned([]).cost], ["576 MB promised", "about 26.00 USD a month"]);
    const events = readEvents(streamed([...stackEvents(null, { plan: { memory: "1 MB" } }), SUMMARY]));
    const plan = planOf("dev", events, "blue");
    assert.deepEqual([plan.memory, plan.cost], ["1 MB", "nothing is rented"]);
  });

  it("counts a replacement once, and takes a refresh's finding for the step", () => {
    const three = ["replace", "create-replacement", "delete-replaced"].map((op) =>
      stepEvent({ op, name: "one" }),
    );
    assert.deepEqual(
      planned(three).steps.map(({ op }) => op),
      ["replace"],
    );
    const type = "command:local:Command";
    const found = { op: "update", urn: urnOf(type, "two"), type, old: null, new: null, diffs: ["tags"] };
    const drifted = [stepEvent({ op: "refresh", name: "two" }), { resOutputsEvent: { metadata: found } }];
    assert.deepEqual(
      planned(drifted).steps.map(({ op, diffs }) => [op, diffs]),
      [["update", ["tags"]]],
    );
    assert.deepEqual(planned([stepEvent({ op: "refresh", name: "two" })]).steps, []);
  });

  const api = (color: string, op = "replace") =>
    stepEvent({ op, name: `bluegreen-prod-api-${color}`, type: CONTAINER, parent: `slot-${color}` });
  const flip = stepEvent({ op: "update", name: "switch-flip", parent: "switch" });
  const VERDICTS = [
    ["a release onto the idle slot", [api("green")], { kind: "untouched", live: "blue" }],
    ["a release and a flip", [api("green"), flip], { kind: "switched", live: "blue", to: "green" }],
    [
      "anything of the live slot",
      [api("blue"), flip],
      { kind: "touched", live: "blue", resources: ["replace bluegreen-prod-api-blue"] },
    ],
    [
      "the database, which both colours need",
      [stepEvent({ op: "replace", name: "bluegreen-prod-postgres", type: CONTAINER, parent: "data" })],
      { kind: "touched", live: "blue", resources: ["replace bluegreen-prod-postgres"] },
    ],
    [
      "the gateway, which visitors talk to",
      [stepEvent({ op: "delete", name: "bluegreen-prod-gateway", type: CONTAINER, parent: "gateway" })],
      { kind: "touched", live: "blue", resources: ["delete bluegreen-prod-gateway"] },
    ],
    [
      "the gateway's configuration",
      [stepEvent({ op: "update", name: "gateway-configuration", parent: "gateway" })],
      { kind: "untouched", live: "blue" },
    ],
    ["a live slot that stays as it is", [api("blue", "same")], { kind: "untouched", live: "blue" }],
  ] as const;
  for (const [what, events, verdict] of VERDICTS)
    it(`says whether the live colour is touched: ${what}`, () => {
      const to = "to" in verdict ? verdict.to : "blue";
      assert.deepEqual(planned(events, OUTPUTS, to).live, verdict);
    });

  it("knows a stack on which nothing serves yet", () => {
    assert.deepEqual(planned([api("blue", "create")], null).live, { kind: "first" });
  });

  it("is unsound with a mandatory violation, an error, or without an end", () => {
    const policyEvent = {
      message: "<{%reset%}>is privileged<{%reset%}>\n",
      policyName: "not-privileged",
      resourceUrn: urnOf(CONTAINER, "api"),
      enforcementLevel: "mandatory",
    };
    const violated = planned([
      { policyEvent },
      { policyEvent: { ...policyEvent, enforcementLevel: "advisory" } },
    ]);
    assert.deepEqual(violated.policy, ["not-privileged: api: is privileged"]);
    assert.equal(isSound(violated), false);
    const diagnosticEvent = { message: "<{%fg 1%}>no such key<{%reset%}>\n", severity: "error" };
    const failed = planned([
      { diagnosticEvent },
      { diagnosticEvent: { ...diagnosticEvent, ephemeral: true } },
    ]);
    assert.deepEqual([failed.errors, isSound(failed)], [["no such key"], false]);
    const cut = planOf("prod", readEvents("warning: plugin found on PATH\n{not json\n"), "blue");
    assert.deepEqual([cut.errors, isSound(cut)], [["the preview broke off before its end"], false]);
  });
});
