import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";

import type { GatewayStack } from "./gatewayStack.ts";
import { settledOn, withHealthyStack } from "./switching.ts";

describe("switch.sh after a migration that took something away", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  withHealthyStack((made) => {
    stack = made;
  });

  const noted = (file: string, at: string, works: string) => writeFile(stack.at(file), `${at} 9 ${works}\n`);
  const [long, yet] = ["2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"];
  afterEach(async () => {
    for (const file of ["contracted", "contracting", "ledger"]) await rm(stack.at(file), { force: true });
  });

  for (const file of ["contracted", "contracting"])
    it(`sends nobody to a release that began before it and is not named (${file})`, async () => {
      await noted(file, yet, "9 1");
      const failed = await stack.switch(stack.plan("green"));
      assert.equal(failed.code, 1, failed.output);
      assert.match(
        failed.stderr,
        /release 2 on green began .*, before the migration of 9 took something away .*since: 9 1\. Nothing was changed/,
      );
      await settledOn(stack, "blue");
      const canary = await stack.switch(stack.plan("blue", { canary: 10 }));
      assert.match(canary.stderr, /release 2 on green began .* Nothing was changed/);
      await settledOn(stack, "blue");
    });

  it("goes by the ledger where the container is younger", async () => {
    await noted("contracted", long, "9 1");
    const released = { event: "released", at: "2025-12-31T23:59:59Z", color: "green", release: "2" };
    await writeFile(stack.at("ledger"), `${JSON.stringify(released)}\n`);
    const failed = await stack.switch(stack.plan("green"));
    assert.match(failed.stderr, /release 2 on green began 2025-12-31T23:59:59Z, before/);
  });

  it("goes on where the release is named, began afterwards, or has visitors already", async () => {
    await noted("contracted", long, "9 1");
    const younger = await stack.switch(stack.plan("green"));
    assert.equal(younger.code, 0, younger.output);
    await noted("contracted", yet, "9");
    const live = await stack.switch(stack.plan("green"));
    assert.equal(live.code, 0, live.output);
    await noted("contracted", yet, "9 1");
    const named = await stack.switch(stack.plan("blue"));
    assert.equal(named.code, 0, named.output);
    await settledOn(stack, "blue");
  });
});
