import assert from "node:assert/strict";
import { parseLedger } from "../../../components/ledger/entry.ts";
import { Refusal } from "../../../release/outcome.ts";
import { movedBack, refuseTakenBack, takenBack } from "../../../release/watch/taken-back.ts";
import { recordOf } from "../../support/fixtures.ts";

const verdict = (color: string, release: string, word = "bad") =>
  parseLedger(
    `${JSON.stringify({ event: "verdict", at: "2026-01-01T00:00:00Z", color, release, verdict: word, reason: "it errs", figures: {} })}\n`,
  );

describe("visitors who were taken back while nobody followed", () => {
  it("are known by the last verdict, as long as the state sends them to that release", () => {
    assert.equal(takenBack(verdict("blue", "1"), recordOf()), "1");
    assert.equal(takenBack(verdict("green", "2"), recordOf({ canary: 10 })), "2", "a canary");
    assert.equal(takenBack(verdict("green", "2"), recordOf()), undefined, "the state says so already");
    assert.equal(takenBack(verdict("blue", "0"), recordOf()), undefined, "another release is there now");
    assert.equal(takenBack(verdict("blue", "1", "good"), recordOf()), undefined);
    assert.equal(
      takenBack([...verdict("blue", "1"), ...verdict("blue", "1", "good")], recordOf()),
      undefined,
    );
    assert.equal(takenBack([], recordOf()), undefined);
  });

  it("are on the other colour than the release that they were taken back from, all of them", () => {
    const keys = (...args: Parameters<typeof movedBack>) => movedBack(...args)?.keys;
    assert.deepEqual(keys(verdict("blue", "1"), recordOf()), { active: "green", canary: 0 });
    const share = recordOf({ canary: 10 });
    assert.deepEqual(keys(verdict("green", "2"), share), { active: "blue", canary: 0 }, "a canary");
    assert.equal(keys(verdict("green", "2"), recordOf()), undefined, "the state says so already");
  });

  it("are in the way of a plan for the wrong colour, with the command that mends it", () => {
    assert.throws(
      () => {
        refuseTakenBack("dev", verdict("blue", "1"), recordOf());
      },
      (error) =>
        error instanceof Refusal &&
        /took the visitors back from release 1/.test(error.message) &&
        error.fix === "npx bluegreen rollback --stack dev, then this again",
    );
    refuseTakenBack("dev", verdict("green", "2"), recordOf());
  });
});
