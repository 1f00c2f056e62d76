import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { run } from "../support/process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("every shell script", function () {
  this.timeout(600_000);

  it("passes shellcheck (apt-get install shellcheck), and what it sources within it", async () => {
    const files = globSync(
      [
        "{components,delivery,policy,release}/**/*.sh",
        "toolchain/{check-tools,setup}/*.sh",
        "toolchain/hooks/*",
        "toolchain/images/machine/{machine-init,inside-host-cgroups}",
      ],
      { cwd: root },
    );
    const sourced = new Set(
      files.flatMap((file) => {
        const text = readFileSync(path.join(root, file), "utf8");
        return [...text.matchAll(/^# shellcheck source=(\S+)$/gm)].map(([, part]) => part);
      }),
    );
    const scripts = files.filter((file) => !sourced.has(file));
    assert.ok(scripts.length >= 4, scripts.join());
    const how = ["--external-sources", "--check-sourced", "--source-path=."];
    const { code, output } = await run("shellcheck", [...how, ...scripts], { cwd: root });
    assert.equal(code, 0, output);
  });
});
