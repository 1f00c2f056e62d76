import assert from "node:assert/strict";

import { sharedStack } from "./shared.ts";

describe("destroy", function () {
  this.timeout(180_000);

  it("takes away all that was made on the engine, and the next up makes it again", async () => {
    const stack = await sharedStack();
    const left = async (): Promise<string[]> => {
      const lists = [
        await stack.docker("ps", "--all", "--format", "{{.Names}}"),
        await stack.docker("network", "ls", "--format", "{{.Name}}"),
        await stack.docker("volume", "ls", "--format", "{{.Name}}"),
      ];
      return lists
        .join("\n")
        .split("\n")
        .filter((name) => name.startsWith(`bluegreen-${stack.name}`));
    };
    assert.ok((await left()).length >= 8);
    const destroy = await stack.destroy();
    assert.equal(destroy.code, 0, destroy.output);
    assert.deepEqual(await left(), []);
    await stack.upOk();
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-color"), stack.config["active"]);
  });
});
