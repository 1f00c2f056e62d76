import assert from "node:assert/strict";
import { renderShares, sharesOf } from "../../../toolchain/coverage/share.ts";

const file = (total: number, covered: number) => ({
  lines: { total, covered, skipped: 0, pct: 0 },
  branches: {},
});
const SUMMARY = JSON.stringify({
  total: file(400, 330),
  "/w/components/host/a.ts": file(100, 100),
  "/w/components/host/b.ts": file(100, 95),
  "/w/release/main.ts": file(100, 45),
  "/w/release/plan.ts": file(100, 90),
});

describe("coverage", () => {
  const shares = sharesOf(SUMMARY, "/w", ["components", "release", "elsewhere"]);

  it("is counted for each folder by itself, and not for one that is not there", () => {
    assert.deepEqual(
      shares.map(({ folder, percent }) => [folder, percent]),
      [
        ["components", 97.5],
        ["release", 67.5],
      ],
    );
  });

  it("names the files that no test runs, where it is too little", () => {
    assert.equal(
      renderShares(shares, 90),
      "components/: 97.5 % of lines\n" +
        "release/: 67.5 % of lines, less than 90 %; no test runs, of\n" +
        "  release/main.ts: 55 lines\n  release/plan.ts: 10 lines\n",
    );
  });
});
