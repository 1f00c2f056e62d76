import assert from "node:assert/strict";
import { deployedCommit } from "../../../delivery/drift/deployed.ts";
import { driftCode, driftOf, renderDrift } from "../../../delivery/drift/report.ts";
import { planOf } from "../../../delivery/preview/plan.ts";
import { readEvents } from "../../../delivery/preview/events.ts";
import { SUMMARY, stackEvents, stepEvent, streamed } from "./events.ts";

const planned = (...events: object[]) =>
  planOf("prod", readEvents(streamed([...stackEvents(null, {}), ...events])), "blue");

describe("drift", () => {
  const CASES = [
    ["none", planned(stepEvent({ op: "same", name: "a" }), SUMMARY), 0, "prod: no drift\n"],
    [
      "a container that is gone",
      planned(stepEvent({ op: "create", name: "api", diffs: ["id"] }), SUMMARY),
      1,
      "prod: 1 resources differ from what was deployed; `pulumi up --refresh` would\n  create Command api: id\n",
    ],
    [
      "a host that nobody reached",
      planned(),
      2,
      "prod: could not be looked at\n  the preview broke off before its end\n",
    ],
  ] as const;
  for (const [what, plan, code, text] of CASES)
    it(`is told: ${what}`, () => {
      const drift = driftOf(plan);
      assert.equal(driftCode(drift), code);
      assert.equal(renderDrift("prod", drift), text);
    });
});

describe("the commit that was deployed", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const update = (result: string, head: string, kind = "update") => ({
    kind,
    result,
    environment: { "git.head": head },
  });
  it("is the last successful update's", () => {
    const list = [
      update("failed", "f".repeat(40)),
      update("succeeded", "e".repeat(40), "refresh"),
      update("succeeded", commit),
    ];
    assert.equal(deployedCommit(JSON.stringify(list)), commit);
  });
  it("is unknown before the first, and where no checkout was", () => {
    assert.equal(deployedCommit("[]"), undefined);
    assert.equal(deployedCommit(JSON.stringify([{ kind: "update", result: "succeeded" }])), undefined);
    assert.equal(deployedCommit(JSON.stringify([update("succeeded", "main; rm -rf /")])), undefined);
  });
});
