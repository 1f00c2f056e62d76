import assert from "node:assert/strict";
import { atLeast } from "../../../toolchain/setup/versions.ts";

describe("atLeast", () => {
  const enough = ["v3.259.0", "3.259.1", "v3.300.0-alpha.1", "4.0.0"];
  for (const printed of enough)
    it(`takes ${printed} for 3.259.0`, () => {
      assert.equal(atLeast(printed, "3.259.0"), true);
    });
  const tooOld = ["v3.258.9", "3.99.0", "", "not installed"];
  for (const printed of tooOld)
    it(`does not take "${printed}" for 3.259.0`, () => {
      assert.equal(atLeast(printed, "3.259.0"), false);
    });
  it("reads Debian's versions past their epoch", () => {
    assert.equal(atLeast("2:1.26~1", "1.26.0"), true);
    assert.equal(atLeast("2:1.19~1", "1.26.0"), false);
  });
  it("reads what `go version` prints after its words", () => {
    assert.equal(atLeast("1.26.8 linux/amd64", "1.26.0"), true);
  });
});
