import assert from "node:assert/strict";
import { stackNamed, stackOf } from "../../../delivery/branches.ts";

describe("the stack of a push", () => {
  const TABLE: readonly (readonly [string, string | undefined])[] = [
    ["refs/heads/develop", "dev"],
    ["refs/heads/release/4", "staging"],
    ["refs/heads/release/2026-11/hotfix", "staging"],
    ["refs/heads/main", "prod"],
    ["refs/heads/release/", undefined],
    ["refs/heads/release", undefined],
    ["refs/heads/main2", undefined],
    ["refs/heads/feature/main", undefined],
    ["refs/heads/Main", undefined],
    ["refs/tags/main", undefined],
    ["refs/pull/7/merge", undefined],
    ["main", undefined],
    ["", undefined],
  ];
  for (const [ref, stack] of TABLE)
    it(`${ref === "" ? "(no ref)" : ref} is ${stack ?? "no stack's"}`, () => {
      assert.equal(stackOf(ref), stack);
    });

  it("is one of the three, whoever names it", () => {
    assert.equal(stackNamed("prod"), "prod");
    assert.throws(() => stackNamed("production"), /got the stack "production"; there are dev, staging, prod/);
  });
});
