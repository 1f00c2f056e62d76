import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cachedFolder, contentKey } from "../../../toolchain/setup/cache.ts";

const quiet = () => undefined;

describe("cache", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bluegreen-cache-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const source = () => {
    const path = join(folder, "source");
    mkdirSync(join(path, "sub"), { recursive: true });
    writeFileSync(join(path, "main.go"), "package main");
    writeFileSync(join(path, "sub/build.sh"), "go build");
    return path;
  };

  it("has the same key for the same content elsewhere, whatever its README says", async () => {
    const path = source();
    const before = await contentKey([path]);
    writeFileSync(join(path, "README.md"), "words");
    assert.equal(await contentKey([path]), before);
  });
  it("has the same key beside what programs made of the folder", async () => {
    const path = source();
    const before = await contentKey([path]);
    for (const made of ["node_modules/react", "dist/assets", "sub/__pycache__"]) {
      mkdirSync(join(path, made), { recursive: true });
      writeFileSync(join(path, made, "file"), "made");
    }
    writeFileSync(join(path, ".packages.lock"), "");
    assert.equal(await contentKey([path]), before);
  });
  const changes: [string, (path: string) => void][] = [
    [
      "content",
      (path) => {
        writeFileSync(join(path, "main.go"), "package other");
      },
    ],
    [
      "a new file",
      (path) => {
        writeFileSync(join(path, "new.go"), "");
      },
    ],
    [
      "a file that may be run now",
      (path) => {
        chmodSync(join(path, "sub/build.sh"), 0o755);
      },
    ],
  ];
  for (const [what, change] of changes)
    it(`has another key after ${what}`, async () => {
      const path = source();
      const before = await contentKey([path]);
      change(path);
      assert.notEqual(await contentKey([path]), before);
    });
  it("has another key for another version", async () => {
    assert.notEqual(await contentKey([source()], ["1"]), await contentKey([source()], ["2"]));
  });

  it("makes a folder once, also when two ask at the same time", async () => {
    let times = 0;
    const make = (unfinished: string) => {
      times += 1;
      writeFileSync(join(unfinished, "tool"), "x");
      return Promise.resolve();
    };
    const both = await Promise.all([1, 2].map(() => cachedFolder(folder, "tool", "k", quiet, make)));
    assert.equal(times, 1);
    assert.deepEqual(both.map(({ made }) => made).toSorted(), [false, true]);
    assert.equal(readFileSync(join(folder, "tool-k/tool"), "utf8"), "x");
  });
  it("shows nothing of a build that broke, and the next one begins from nothing", async () => {
    const broken = (unfinished: string) => {
      writeFileSync(join(unfinished, "half"), "x");
      return Promise.reject(new Error("cut off"));
    };
    await assert.rejects(cachedFolder(folder, "tool", "k", quiet, broken), /cut off/);
    assert.equal(existsSync(join(folder, "tool-k")), false);
    await cachedFolder(folder, "tool", "k", quiet, (unfinished) => {
      assert.deepEqual(readdirSync(unfinished), []);
      return Promise.resolve();
    });
    assert.equal(existsSync(join(folder, "tool-k")), true);
  });
});
