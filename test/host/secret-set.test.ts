import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { renderValues } from "../../components/data/application-secrets.ts";
import { secretsPlan } from "../../components/data/specs.ts";
import { type Result, docker, run, runOk, until } from "../support/process.ts";

const script = fileURLToPath(new URL("../../components/data/secret-set.sh", import.meta.url));
const passwords = fileURLToPath(new URL("../../components/data/secrets.sh", import.meta.url));

type Values = Readonly<Record<string, string>>;

describe("secret-set.sh", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "secret-set-"));
    const plan = secretsPlan([1, 2].map((version) => release(version)));
    await runOk(passwords, [directory], { input: plan });
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const release = (passwordVersion: number) => ({ user: "10001:10001", passwordVersion, secretSet: 0 });
  const at = (...parts: string[]) => path.join(directory, "secrets", ...parts);

  async function find(values: Values): Promise<string> {
    const input = renderValues(values);
    return (await runOk(script, ["find", directory, "api-10001"], { input })).stdout.trim();
  }

  async function write(number: number, values: Values, keep: string[] = [], version = 1): Promise<Result> {
    const words = ["write", directory, "api-10001", String(number), "10001", String(version), ...keep];
    return await run(script, words, { input: renderValues(values) });
  }

  /** What the first switch leaves. */
  async function served(): Promise<void> {
    await mkdir(path.join(directory, "gateway/conf"), { recursive: true });
    await writeFile(path.join(directory, "gateway/conf/start"), "live blue\n");
  }

  it("gives each value a file, as it is, readable by the application alone, beside the passwords made here", async () => {
    const pem = "-----BEGIN KEY-----\nä'\"$HOME`id`\\n\n-----END KEY-----\n";
    const { code, output } = await write(1, { STRIPE_KEY: "sk_live_1", PEM: pem });
    assert.equal(code, 0, output);
    assert.equal(output, "");
    assert.deepEqual((await readdir(at("api-10001-s1"))).sort(), [
      "database_password",
      "pem",
      "redis_password",
      "stripe_key",
    ]);
    assert.equal(await readFile(at("api-10001-s1", "pem"), "utf8"), pem);
    assert.equal(await readFile(at("api-10001-s1", "stripe_key"), "utf8"), "sk_live_1");
    for (const file of await readdir(at("api-10001-s1"))) {
      const { mode, uid } = await stat(at("api-10001-s1", file));
      const root = os.userInfo().uid === 0;
      assert.deepEqual([mode & 0o777, uid], root ? [0o400, 10_001] : [0o444, os.userInfo().uid], file);
    }
    assert.equal(
      await readFile(at("api-10001-s1", "database_password"), "utf8"),
      await readFile(at("values", "database_password"), "utf8"),
    );
  });

  it("takes the version of the database's password that the release logs in with", async () => {
    await write(1, { A: "1" }, [], 2);
    assert.equal(
      await readFile(at("api-10001-s1", "database_password"), "utf8"),
      await readFile(at("values", "database_password_2"), "utf8"),
    );
  });

  it("finds the set with the same values again, and counts on for changed, added and removed ones", async () => {
    assert.equal(await find({ A: "1" }), "1");
    await write(1, { A: "1" });
    assert.equal(await find({ A: "1" }), "1");
    const others: readonly Values[] = [{ A: "2" }, { A: "1", B: "1" }, { B: "1" }, { A: "11" }, { A: "1\n" }];
    for (const other of others) {
      assert.equal(await find(other), "2", JSON.stringify(other));
    }
    await write(2, { A: "2" }, ["api-10001-s1"]);
    assert.equal(await find({ A: "1" }), "1");
    assert.equal(await find({ A: "2" }), "2");
    assert.equal(await find({ A: "3" }), "3");
  });

  it("never changes a set that is there once visitors are served: a running slot reads it", async () => {
    await write(1, { A: "1" });
    await served();
    const { code, stderr } = await write(1, { A: "2" });
    assert.equal(code, 1);
    assert.match(stderr, /holds other values already,.* run `pulumi up` again/);
    assert.equal(await readFile(at("api-10001-s1", "a"), "utf8"), "1");
    assert.equal((await write(1, { A: "1" })).code, 0);
  });

  it("corrects the set of a first `up` that failed, though nobody can ask the host for the next number", async function () {
    this.timeout(600_000);
    await write(1, { A: "wrong", B: "dropped" });
    const container = `bgtest-secret-set-${process.pid}`;
    const mount = `${at("api-10001-s1")}:/run/secrets:ro`;
    // As an application that exits on a wrong secret, and is started again and again.
    const application = "grep -qx right /run/secrets/a || exit 1; ls /run/secrets >/seen; exec sleep 300";
    const sh = ["--entrypoint", "sh", "nginx:1.30", "-c", application];
    await docker("run", "--detach", "--name", container, "--restart", "always", "--volume", mount, ...sh);
    try {
      const { code, output } = await write(1, { A: "right" });
      assert.equal(code, 0, output);
      assert.deepEqual((await readdir(at("api-10001-s1"))).sort(), [
        "a",
        "database_password",
        "redis_password",
      ]);
      await until("the container reads the right value", async () => {
        return (await run("docker", ["exec", container, "grep", "-qx", "a", "/seen"])).code === 0;
      });
    } finally {
      await docker("rm", "--force", container);
    }
    assert.equal(await find({ A: "right" }), "1");
  });

  it("removes the sets that no slot reads, and nothing else", async () => {
    await write(1, { A: "1" });
    await write(2, { A: "2" }, ["api-10001-s1"]);
    await write(3, { A: "3" }, ["api-10001-s2"]);
    const folders = (await readdir(at())).sort();
    assert.deepEqual(folders, [
      "api-10001",
      "api-10001-p2",
      "api-10001-s2",
      "api-10001-s3",
      "lock",
      "postgres",
      "redis",
      "values",
    ]);
  });

  it("stands being cut off and run twice at once", async () => {
    const results = await Promise.all([1, 2, 3].map(() => write(1, { A: "1", B: "2" })));
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0, 0],
    );
    assert.equal(await find({ A: "1", B: "2" }), "1");
  });

  it("refuses values that were cut off on their way", async () => {
    for (const input of ["", "a MQ==\n", "a MQ==\nen"]) {
      const { code, stderr } = await run(script, ["write", directory, "api-10001", "1", "10001", "1"], {
        input,
      });
      assert.equal(code, 1, JSON.stringify(input));
      assert.match(stderr, /cut off/);
    }
    assert.equal((await readdir(at())).includes("api-10001-s1"), false);
  });
});
