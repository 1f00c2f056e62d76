import assert from "node:assert/strict";
import { failureReason } from "../../../components/messages/announce.ts";

describe("why an update failed", () => {
  it("is the resource, what its provider says, and who serves", () => {
    const error = "1 error occurred:\n\t* container failed to be in healthy state\n\n";
    assert.equal(
      failureReason("api-green", error, "blue"),
      "api-green: 1 error occurred:\n* container failed to be in healthy state\nblue serves",
    );
    assert.equal(failureReason("switch-flip", "no\n", undefined), "switch-flip: no");
  });
});
