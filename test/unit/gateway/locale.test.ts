import assert from "node:assert/strict";
import path from "node:path";
import { run } from "../../support/process.ts";

describe("what the scripts of a host share", () => {
  // With a comma in its numbers awk holds 0.90 % for less than "0.5", and writes what is no JSON.
  it("counts with a point, whatever language the host speaks", async () => {
    const common = path.join(import.meta.dirname, "../../../components/gateway/common.sh");
    for (const name of ["LC_ALL", "LC_NUMERIC", "LANG"]) {
      const { stdout, output } = await run(
        "bash",
        ["-c", `dir=/nowhere; . '${common}'; sh -c 'echo "$LC_ALL"'`],
        {
          env: { PATH: process.env["PATH"], [name]: "de_DE.UTF-8" },
        },
      );
      assert.equal(stdout, "C\n", output);
    }
  });
});
