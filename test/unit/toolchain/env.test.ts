import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathWith, prepareState, renderExports, variablesOf } from "../../../toolchain/setup/env.ts";
import { pathsOf } from "../../../toolchain/setup/paths.ts";

const where = pathsOf({ HOME: "/home/a" }, "/src/bluegreen");
const tools = { folders: ["/cache/pulumi"], pluginsBuilt: false };
const variables = (env: Record<string, string>, built = false) =>
  variablesOf({ PATH: "/bin", ...env }, where, { ...tools, pluginsBuilt: built });

describe("pathsOf", () => {
  it("takes the XDG folders when they are absolute, and the usual ones otherwise", () => {
    assert.equal(pathsOf({ HOME: "/h", XDG_CACHE_HOME: "/c" }, "/s").cache, "/c/bluegreen");
    assert.equal(pathsOf({ HOME: "/h", XDG_CACHE_HOME: "c" }, "/s").cache, "/h/.cache/bluegreen");
    assert.equal(pathsOf({ HOME: "/h" }, "/s").state, "/h/.local/state/bluegreen");
  });
});

describe("the shell's environment", () => {
  it("is what it was when it is evaluated twice", () => {
    const once = variables({});
    assert.deepEqual(variables(once), once);
  });
  it("puts the tools first on PATH, each folder once", () => {
    assert.equal(pathWith(["/a", "/b"], "/bin:/a:/usr/bin:/bin"), "/a:/b:/bin:/usr/bin");
  });
  it("leaves another backend, passphrase and plugin folder as the user set them", () => {
    assert.equal(variables({ PULUMI_BACKEND_URL: "s3://mine" })["PULUMI_BACKEND_URL"], "s3://mine");
    assert.equal(variables({ PULUMI_ACCESS_TOKEN: "pul-x" })["PULUMI_BACKEND_URL"], undefined);
    assert.equal(variables({ PULUMI_CONFIG_PASSPHRASE: "" })["PULUMI_CONFIG_PASSPHRASE_FILE"], undefined);
    const home = pathsOf({ HOME: "/home/a", PULUMI_HOME: "/p" }, "/src");
    assert.equal(variablesOf({}, home, tools)["PULUMI_HOME"], "/p");
  });
  it("keeps the state of stacks out of the checkout", () => {
    assert.equal(
      variables({})["PULUMI_BACKEND_URL"],
      "file:///home/a/.local/state/bluegreen/state?metadata=skip",
    );
  });
  it("keeps the CLI from fetching plugins only when they were built", () => {
    assert.equal(variables({}, true)["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "true");
    assert.equal(variables({}, false)["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], undefined);
  });
  it("prints one export a line, and no secret", () => {
    const text = renderExports(variables({ PULUMI_ACCESS_TOKEN: "pul-secret" }));
    assert.match(text, /^(export [A-Z_]+=('[^']*'|[\w@%+=:,./-]+)\n)+$/);
    assert.doesNotMatch(text, /pul-secret/);
  });
});

describe("prepareState", () => {
  it("makes one passphrase that only its owner can read, and keeps it", () => {
    const home = mkdtempSync(join(tmpdir(), "bluegreen-env-"));
    try {
      const own = pathsOf({ HOME: home }, "/src");
      prepareState(own);
      const file = join(own.state, "passphrase");
      const first = readFileSync(file, "utf8");
      prepareState(own);
      assert.equal(readFileSync(file, "utf8"), first);
      assert.equal(first.length, 43);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
