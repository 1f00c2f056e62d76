import assert from "node:assert/strict";

import { overSsh, sharedStack } from "./shared.ts";

describe("destroy", function () {
  this.timeout(900_000);

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
    if (overSsh) {
      // A server's data goes away only after it was said twice.
      const refused = await stack.destroy();
      assert.notEqual(refused.code, 0, refused.output);
      for (const what of ["postgres", "redis"]) {
        const volume = stack.container(what);
        assert.match(refused.output, new RegExp(`${volume}" cannot be deleted\\s+because it is protected`));
        assert.ok((await left()).includes(volume), `${volume} is gone`);
      }
      await stack.pulumi("state", "unprotect", "--all", "--yes", "--stack", stack.name);
    }
    const destroy = await stack.destroy();
    assert.equal(destroy.code, 0, destroy.output);
    assert.deepEqual(await left(), []);
    await stack.upOk();
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-color"), stack.config["active"]);
  });
});
