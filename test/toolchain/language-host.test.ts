import assert from "node:assert/strict";

import { ThrowAwayStack } from "./support.ts";

// It writes down what the host told it, beside itself.
const PROGRAM = `
import { writeFileSync } from "node:fs";
const { PULUMI_NODEJS_TYPESCRIPT: told = "nothing" as string } = process.env;
writeFileSync("told", told + "\\n");
`;

describe("the language host for Node", function () {
  this.timeout(300_000);
  const stack = new ThrowAwayStack();

  after(() => stack.remove());

  it("heeds typescript: false of Pulumi.yaml: Node strips the types, no compiler is loaded", async () => {
    stack.write("index.ts", PROGRAM);
    await stack.init();
    const { exitCode, text } = await stack.up();
    assert.equal(exitCode, 0, text);
    assert.deepEqual(stack.lines("told"), ["nothing"]);
  });
});
