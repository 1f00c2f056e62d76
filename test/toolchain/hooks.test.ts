import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { lookForSecrets } from "../../toolchain/scan/secrets.ts";
import { run, runOk } from "../support/process.ts";

const HOOKS = resolve(import.meta.dirname, "../../toolchain/hooks");
/** Of the shape that AWS gives its keys, and none of theirs. */
const KEY = ["AKIA", "QYLPMN5HFIQR7XYA"].join("");

describe("the hooks", function () {
  this.timeout(300_000);
  let folder = "";
  let env: NodeJS.ProcessEnv = {};

  /** A repository with the hooks on, and an `npm` that writes down what it is asked for and fails for one name. */
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "bluegreen-hooks-"));
    const npm = `#!/bin/sh\necho "$3" >>'${folder}/asked'\n[ "$3" != "$(cat '${folder}/broken')" ] || { echo "no $3"; exit 1; }\n`;
    writeFileSync(join(folder, "npm"), npm, { mode: 0o755 });
    writeFileSync(join(folder, "broken"), "nothing");
    env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}`, GIT_CONFIG_GLOBAL: "/dev/null" };
    await git("init", "--quiet", "--initial-branch=main", "work");
    for (const [key, value] of [
      ["user.email", "of@this.test"],
      ["user.name", "test"],
      ["core.hooksPath", HOOKS],
    ] as const)
      await git("-C", "work", "config", key, value);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const options = () => ({ cwd: folder, env });
  const git = (...words: readonly string[]) => runOk("git", words, options());
  const asked = () =>
    existsSync(join(folder, "asked")) ? readFileSync(join(folder, "asked"), "utf8").trim().split("\n") : [];
  const stage = async (text: string) => {
    writeFileSync(join(folder, "work/file"), text);
    await git("-C", "work", "add", "file");
  };

  it("ask the quick checks before a commit, and let it through", async () => {
    await stage("one\n");
    await git("-C", "work", "commit", "--quiet", "--message", "one");
    assert.deepEqual(asked(), ["secrets", "types", "lint", "format", "compare", "workflows"]);
  });

  it("stop a commit at the first that says no, with what it said", async () => {
    writeFileSync(join(folder, "broken"), "lint");
    await stage("one\n");
    const { code, output } = await run("git", ["-C", "work", "commit", "--message", "one"], options());
    assert.notEqual(code, 0);
    assert.match(output, /no lint\n\npre-commit: npm run lint says no/);
    assert.deepEqual(asked(), ["secrets", "types", "lint"]);
  });

  it("run the unit tests before a push, and stop it", async () => {
    await git("init", "--quiet", "--bare", "there");
    await stage("one\n");
    await git("-C", "work", "commit", "--quiet", "--message", "one");
    writeFileSync(join(folder, "broken"), "test:unit");
    const push = ["-C", "work", "push", "--quiet", join(folder, "there"), "main"];
    const refused = await run("git", push, options());
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /pre-push: npm run test:unit says no/);
    writeFileSync(join(folder, "broken"), "nothing");
    await git(...push);
  });

  it("find a secret in what is staged, and in what was committed long ago, without showing it", async () => {
    const work = join(folder, "work");
    await stage("nothing\n");
    assert.equal((await lookForSecrets("staged", work)).kind, "clean");
    await stage(`const key = "${KEY}";\n`);
    const staged = await lookForSecrets("staged", work);
    assert.deepEqual(staged.kind === "found" && staged.findings, ["file:1: aws-access-token"]);
    assert.doesNotMatch(JSON.stringify(staged), new RegExp(KEY));

    await git("-C", "work", "commit", "--quiet", "--message", "one");
    await stage("nothing again\n");
    await git("-C", "work", "commit", "--quiet", "--message", "two");
    assert.equal((await lookForSecrets("staged", work)).kind, "clean");
    const history = await lookForSecrets("history", work);
    assert.match(
      history.kind === "found" ? history.findings.join() : "",
      /^file:1 of [0-9a-f]{12}: aws-access-token$/,
    );
  });
});
