import assert from "node:assert/strict";
import { lastDeployed } from "../../../delivery/history.ts";
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
      "prod: 1 resources differ from what was deployed; `pulumi up --refresh --stack prod` puts them back\n  create Command api: id\n",
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

describe("what was deployed", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const update = (result: string, head: string, kind = "update") => ({
    kind,
    result,
    environment: { "git.head": head },
    config: {
      "bluegreen:active": { value: head.slice(0, 1), secret: false },
      "bluegreen:blue": { value: '{"release":"1"}', objectValue: { release: "1" }, secret: false },
      "bluegreen:secrets": { secret: true },
    },
  });
  it("is the last successful update, its commit, its plain config, and the names of what is secret", () => {
    const list = [
      update("failed", "f".repeat(40)),
      { ...update("", "d".repeat(40)), result: undefined },
      update("succeeded", "e".repeat(40), "refresh"),
      update("succeeded", commit),
      update("succeeded", "a".repeat(40)),
    ];
    assert.deepEqual(lastDeployed(JSON.stringify(list)), {
      commit,
      config: { "bluegreen:active": "0", "bluegreen:blue": { release: "1" } },
      secrets: ["bluegreen:secrets"],
    });
  });
  it("is nothing before the first", () => {
    assert.equal(lastDeployed("[]"), undefined);
  });
  it("has no commit where no checkout was, or what stands there is none", () => {
    const bare = lastDeployed(JSON.stringify([{ kind: "update", result: "succeeded" }]));
    assert.deepEqual(bare, { commit: undefined, config: {}, secrets: [] });
    assert.equal(lastDeployed(JSON.stringify([update("succeeded", "main; rm -rf /")]))?.commit, undefined);
  });
});
