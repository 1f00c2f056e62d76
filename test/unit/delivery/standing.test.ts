import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { contractOf, declaredContract } from "../../../delivery/contract.ts";
import { newerOf } from "../../../delivery/order.ts";
import { commitsOf } from "../../../delivery/releases.ts";

const contract = (...works: readonly string[]) =>
  `config:
  bluegreen:active: blue
  bluegreen:blue:
    release: "1"
    migration: { kind: contract, worksWith: ${JSON.stringify(works)}, command: [migrate] }
`;
const EXPAND = "config: { bluegreen:blue: { release: '1', migration: { command: [migrate] } } }\n";

describe("a contract that a stack's file declares", () => {
  it("is the next release's until the file of what is live declares the same", () => {
    assert.deepEqual(contractOf(contract("41"), EXPAND, "bluegreen"), ["41"]);
    assert.deepEqual(contractOf(contract("41", "42"), contract("41"), "bluegreen"), ["41", "42"]);
    assert.deepEqual(contractOf(contract("41"), contract("41"), "bluegreen"), []);
  });

  it("counts where nobody knows what the live release's file said", () => {
    assert.deepEqual(contractOf(contract("41"), undefined, "bluegreen"), ["41"]);
    assert.deepEqual(contractOf(contract("41"), "no: [yaml", "bluegreen"), ["41"]);
  });

  it("stands in the slot that the file calls active, with release ids as texts or numbers", () => {
    const file = contract("41");
    assert.deepEqual(contractOf(file.replace("active: blue", "active: green"), undefined, "bluegreen"), []);
    assert.deepEqual(contractOf(file.replace('["41"]', "[41, r2]"), undefined, "bluegreen"), ["41", "r2"]);
    assert.deepEqual(contractOf(EXPAND, undefined, "bluegreen"), []);
    assert.deepEqual(contractOf("config: {}\n", undefined, "bluegreen"), []);
  });

  it("is no reason to go on where it names nothing that can be a release", () => {
    for (const works of ["[]", '["--yes"]', '"41"', "[4.5]", '["a b"]', "~"])
      assert.throws(
        () => contractOf(contract("41").replace('["41"]', works), undefined, "bluegreen"),
        /^Error: bluegreen:blue\.migration\.worksWith: got .*; allowed is a list of release ids/,
        works,
      );
  });
});

describe("the commits of a stack's releases", () => {
  it("are what its slots say they were built from, the live one's first", () => {
    const config = {
      "bluegreen:active": "green",
      "bluegreen:blue": { release: "1", commit: "b".repeat(40) },
      "bluegreen:green": { release: "2", commit: "c".repeat(40) },
    };
    const commits = (more: object = {}) =>
      commitsOf({ commit: "a".repeat(40), config: { ...config, ...more }, secrets: [] }, "bluegreen");
    assert.deepEqual(commits(), { live: "c".repeat(40), all: ["c".repeat(40), "b".repeat(40)] });
    assert.deepEqual(commits({ "bluegreen:green": { release: "2" } }), {
      live: undefined,
      all: ["b".repeat(40)],
    });
    assert.deepEqual(commits({ "bluegreen:green": { commit: "--x" }, "bluegreen:blue": "no" }), {
      live: undefined,
      all: [],
    });
    assert.deepEqual(commitsOf(undefined, "bluegreen"), { live: undefined, all: [] });
  });
});

describe("a commit beside what is deployed", () => {
  let folder: string;
  const git = (...words: readonly string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...words], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  const commit = (text: string) => {
    writeFileSync(join(folder, "Pulumi.prod.yaml"), text);
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "--message", "one");
    return git("rev-parse", "HEAD");
  };
  let older: string;
  let newer: string;
  let beside: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "standing-"));
    git("init", "--quiet", "--initial-branch", "main");
    older = commit(EXPAND);
    newer = commit(contract("41"));
    git("checkout", "--quiet", "-b", "beside", older);
    beside = commit(`${EXPAND}# beside\n`);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("is outdated where a release was built from a later one", async () => {
    assert.equal(await newerOf(folder, older, [newer]), newer);
    assert.equal(await newerOf(folder, older, [older, newer]), newer);
  });

  it("is not where it is later, the same, or on another way; nor where nothing is deployed", async () => {
    for (const [one, deployed] of [
      [newer, [older]],
      [newer, [newer]],
      [beside, [newer]],
      [older, []],
    ] as const)
      assert.equal(await newerOf(folder, one, deployed), undefined);
  });

  it("cannot be told from one that this clone does not have, which is no reason to stop", async () => {
    assert.equal(await newerOf(folder, older, ["d".repeat(40)]), undefined);
  });

  it("is not compared in a clone without history, where every commit would seem new", async () => {
    const shallow = join(folder, "shallow");
    git("clone", "--quiet", "--depth", "1", "--branch", "main", pathToFileURL(folder).href, shallow);
    await assert.rejects(
      newerOf(shallow, newer, [older]),
      /no history.*fetch-depth: 0.*git fetch --unshallow/,
    );
  });

  it("has the contract of its own file, once", async () => {
    const declared = (of: string, live: string | undefined) =>
      declaredContract(folder, { file: "Pulumi.prod.yaml", project: "bluegreen", commit: of, live });
    assert.deepEqual(await declared(newer, older), ["41"]);
    assert.deepEqual(await declared(newer, newer), []);
    assert.deepEqual(await declared(newer, undefined), ["41"]);
    assert.deepEqual(await declared(newer, "d".repeat(40)), ["41"]);
    assert.deepEqual(await declared(older, undefined), []);
    await assert.rejects(declared("d".repeat(40), undefined));
  });
});
