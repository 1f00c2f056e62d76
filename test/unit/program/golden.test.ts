import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { afterCommands } from "../../support/after-commands.ts";
import { GOLDEN_STACKS, goldenFile, listStack, listing, shown } from "../../support/golden.ts";
import { stackFileText } from "../../support/stack-file.ts";

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "hunter2" };
const BARE = {
  secretInputs: [],
  dependsOn: [],
  protect: false,
  retainOnDelete: false,
  deleteBeforeReplace: false,
  ignoreChanges: [],
  replaceOnChanges: [],
  additionalSecretOutputs: [],
  hooks: { afterCreate: [], onError: [] },
};

describe("the golden listings", () => {
  for (const stack of GOLDEN_STACKS) {
    it(`show what ${stack} is made of, as a pull request changes it`, async () => {
      const file = goldenFile(stack);
      const golden = existsSync(file) ? readFileSync(file, "utf8") : "";
      // The runner shows the difference line by line.
      assert.equal(
        await listStack(stack),
        golden,
        `what ${stack} is made of changed: look at each line, then \`npm run golden\` and commit test/golden/${stack}.txt`,
      );
    });
  }

  for (const stack of GOLDEN_STACKS)
    it(`are the same whatever the command line wrote into ${stack}'s file, and another where a setting changed`, async () => {
      const [before, text] = [await listStack(stack), afterCommands(stack, stackFileText(stack))];
      assert.equal(await listStack(stack, text), before);
      assert.notEqual(await listStack(stack, `${text}  bluegreen:memoryMb: { api: 120 }\n`), before);
    });

  it("are the same twice, and hold no secret", async () => {
    const text = await listStack("prod");
    assert.equal(text, await listStack("prod"));
    assert.doesNotMatch(text, /PRIVATE KEY/);
    assert.match(text, /userDataBase64: "?\[secret\]"?/);
  });

  it("list resources by type and name, options first, secrets and long texts by what they are", () => {
    const text = listing("x", [
      { ...BARE, type: "b:B", name: "two", inputs: { key: SECRET, list: [SECRET] } },
      { ...BARE, type: "a:A", name: "one", inputs: {}, protect: true, ignoreChanges: ["ami", "tags"] },
    ]);
    assert.equal(
      text.split("\n").slice(3).join("\n"),
      'a:A one\n  (protect)\n  (ignoreChanges: ami, tags)\n\nb:B two\n  key: "[secret]"\n  list:\n    - "[secret]"\n',
    );
    assert.match(String(shown("line\n".repeat(20))), /^\[21 lines, 100 characters, sha256 [0-9a-f]{12}\]$/);
  });
});
