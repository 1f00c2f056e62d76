import assert from "node:assert/strict";
import { makeProgram } from "../../../release/program.ts";

/** The help of each command, as it is printed. */
const HELP = makeProgram().commands.map((command) => {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return { command, name: command.name(), text };
});

describe("the help", () => {
  it("is of every command", () => {
    assert.ok(HELP.length >= 12, String(HELP.length));
  });

  for (const { command, name, text } of HELP)
    it(`of ${name} has examples, with options that it has`, () => {
      const [, block = ""] = text.split("\nExamples:\n");
      const examples = block.split("\n").filter((line) => line.startsWith("  $ npx bluegreen "));
      const own = examples.filter((line) => line.startsWith(`  $ npx bluegreen ${name} `));
      assert.ok(own.length > 0, text);
      const options = command.options.flatMap(({ long }) => long ?? []);
      for (const example of own) {
        const [words = ""] = example.split(" -- ");
        for (const word of words.match(/--[a-z-]+/g) ?? []) assert.ok(options.includes(word), example);
      }
    });
});
