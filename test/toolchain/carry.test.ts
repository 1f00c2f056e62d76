import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { askDeployed, carryInto, carryOnto } from "../../delivery/carry.ts";
import { commitsOf } from "../../delivery/releases.ts";
import { standingOf } from "../../delivery/standing.ts";
import { folderBackend } from "../../toolchain/setup/paths.ts";
import { at } from "../support/json.ts";
import { ThrowAwayStack } from "./support.ts";

/** As YAML would read a number. */
const COMMIT = "12345678".repeat(5);

describe("the last update's releases, asked of the real engine", function () {
  this.timeout(600_000);
  const stack = new ThrowAwayStack();
  const env = {
    ...process.env,
    PULUMI_BACKEND_URL: folderBackend(join(stack.folder, "state")),
    PULUMI_CONFIG_PASSPHRASE_FILE: join(stack.folder, "passphrase"),
  };
  const file = () => readFileSync(join(stack.folder, "Pulumi.test.yaml"), "utf8");
  const set = async (...words: string[]) => {
    const { exitCode, text } = await stack.pulumi("config", "set", "--stack", "test", ...words);
    assert.equal(exitCode, 0, text);
  };

  before(() => stack.init());
  after(() => stack.remove());

  it("are none before the first update: the file stays", async () => {
    await set("active", "blue");
    const before = file();
    assert.equal(await carryInto(stack.folder, "test", env), false);
    assert.equal(file(), before);
  });

  it("are those of the last that succeeded; settings and secrets stay the file's", async () => {
    await set("active", "green");
    await set("--path", "green.release", "42", "--type", "string");
    await set("--path", "green.commit", COMMIT, "--type", "string");
    await set("--path", "green.migration.command[0]", "old");
    await set("--path", "green.migration.kind", "contract");
    await set("--path", "green.migration.worksWith[0]", "41", "--type", "string");
    await set("canary", "5");
    await set("--secret", "token", "hunter2");
    await stack.mustUp({ one: { args: { create: "true" } } });
    const deployed = file();

    // As a failed deploy would leave the history, and as git has the file.
    await set("active", "blue");
    await set("--path", "green.release", "43", "--type", "string");
    await set("--path", "blue.migration.command[0]", "new");
    stack.declare({
      one: { args: { create: "true" } },
      two: { args: { create: "false" } },
    });
    assert.notEqual((await stack.up()).exitCode, 0);
    await set("canary", "7");
    await set("memoryMb", "256");

    assert.equal(await carryInto(stack.folder, "test", env), true);
    const carried: unknown = parse(file());
    assert.equal(at(carried, "config", "toolchain-test:active"), "green");
    assert.deepEqual(at(carried, "config", "toolchain-test:green"), {
      release: "42",
      commit: COMMIT,
      migration: { command: ["new"], kind: "contract", worksWith: ["41"] },
    });
    const deployedNow = await askDeployed(stack.folder, "test", env);
    assert.deepEqual(commitsOf(deployedNow, "toolchain-test"), { live: COMMIT, all: [COMMIT] });
    assert.equal(String(at(carried, "config", "toolchain-test:canary")), "5");
    assert.equal(String(at(carried, "config", "toolchain-test:memoryMb")), "256");
    const secret = (text: string) => at(parse(text), "config", "toolchain-test:token");
    assert.deepEqual(secret(file()), secret(deployed));
    const { exitCode, text } = await stack.pulumi("config", "get", "token", "--stack", "test");
    assert.deepEqual([exitCode, text.trim()], [0, "hunter2"]);
    assert.equal(deployedNow?.commit, undefined);

    const onto = { folder: stack.folder, ref: "refs/heads/main" };
    assert.equal(await carryOnto(stack.folder, "test", env, onto), true);
    const whole: unknown = parse(file());
    const migration = { command: ["old"], kind: "contract", worksWith: ["41"] };
    assert.deepEqual(at(whole, "config", "toolchain-test:green", "migration"), migration);
    for (const key of ["blue", "memoryMb"])
      assert.equal(at(whole, "config", `toolchain-test:${key}`), undefined);
    assert.deepEqual(secret(file()), secret(deployed));

    const git = (...words: readonly string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...words], {
        cwd: stack.folder,
        encoding: "utf8",
      }).trim();
    git("init", "--quiet");
    git("add", "Pulumi.test.yaml");
    git("commit", "--quiet", "--message", "as it was deployed by hand");
    assert.deepEqual(await standingOf(stack.folder, "test", git("rev-parse", "HEAD"), env), {
      kind: "next",
      contract: ["41"],
    });
  });
});
