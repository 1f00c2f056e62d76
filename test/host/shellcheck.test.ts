import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { run } from "../support/process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("every shell script", function () {
  this.timeout(60_000);

  it("passes shellcheck (apt-get install shellcheck)", async () => {
    const scripts = globSync(
      [
        "{components,delivery,policy}/**/*.sh",
        "toolchain/{check-tools,setup}/*.sh",
        "toolchain/hooks/*",
        "toolchain/images/machine/{machine-init,inside-host-cgroups}",
      ],
      {
        cwd: root,
      },
    );
    assert.ok(scripts.length >= 4, scripts.join());
    const { code, output } = await run("shellcheck", ["--external-sources", "--source-path=.", ...scripts], {
      cwd: root,
    });
    assert.equal(code, 0, output);
  });
});
