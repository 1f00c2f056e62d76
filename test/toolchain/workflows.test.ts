import assert from "node:assert/strict";
import { checkWorkflows } from "../../toolchain/workflows/check.ts";

const HERE = `${import.meta.dirname}/workflows`;

describe("the check of workflow files", function () {
  this.timeout(300_000);
  const check = async (file: string) => {
    const verdicts = await checkWorkflows([file], HERE);
    return Object.fromEntries(verdicts.map(({ checker, output }) => [checker, output]));
  };

  it("has nothing against one that is sound", async () => {
    assert.deepEqual(await check("sound.yml"), { actionlint: "", zizmor: "" });
  });

  const BAD = [
    ["a title that anybody writes, expanded into a script", "injection.yml", "zizmor", /template-injection/],
    ["the same", "injection.yml", "actionlint", /potentially untrusted/],
    ["an action by its tag", "unpinned.yml", "zizmor", /unpinned-uses/],
    ["a key that there is not", "mistake.yml", "actionlint", /runs_on/],
    ["a script that shellcheck refuses", "unquoted.yml", "actionlint", /SC2086/],
    ["every permission for everyone", "permissive.yml", "zizmor", /excessive-permissions/],
  ] as const;
  for (const [what, file, checker, expected] of BAD) {
    it(`goes red for ${what} (${checker})`, async () => {
      assert.match((await check(file))[checker] ?? "", expected);
    });
  }
});
