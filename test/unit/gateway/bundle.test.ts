import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderBundle } from "../../../components/host/bundle.ts";

describe("renderBundle", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bundle-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const unpack = (script: string) =>
    spawnSync("sh", ["-s", "--", folder], { input: script, encoding: "utf8" });

  it("brings every file over as it is, with its mode", () => {
    const tricky = "$HOME `id` \\ 'one' \"two\" END a/b.sh\nEND a/b.sh\nEND a/b.sh again\n\n";
    const { status, stderr } = unpack(
      renderBundle([
        { path: "a/b.sh", content: tricky, mode: 0o755 },
        { path: "c.txt", content: "plain\n" },
      ]),
    );
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(join(folder, "a/b.sh"), "utf8"), tricky);
    assert.equal(statSync(join(folder, "a/b.sh")).mode & 0o777, 0o755);
    assert.equal(statSync(join(folder, "c.txt")).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(folder).sort(), ["a", "c.txt"]);
  });

  it("writes nothing when it is cut off anywhere", () => {
    const script = renderBundle([
      { path: "a", content: "first\n" },
      { path: "b", content: "second\n" },
    ]);
    const callLength = 'write_bundle "${1:?the folder to write into}"\n'.length;
    for (let length = 0; length < script.length - callLength; length += 7) unpack(script.slice(0, length));
    assert.deepEqual(readdirSync(folder), []);
    unpack(script);
    assert.deepEqual(readdirSync(folder).sort(), ["a", "b"]);
  });

  it("replaces by rename and leaves other files alone", () => {
    writeFileSync(join(folder, "start"), "live blue\n");
    writeFileSync(join(folder, "a"), "old\n");
    const before = statSync(join(folder, "a")).ino;
    unpack(renderBundle([{ path: "a", content: "new\n" }]));
    assert.equal(readFileSync(join(folder, "a"), "utf8"), "new\n");
    assert.notEqual(statSync(join(folder, "a")).ino, before);
    assert.equal(readFileSync(join(folder, "start"), "utf8"), "live blue\n");
  });

  for (const [what, file] of [
    ["a path out of the folder", { path: "../a", content: "\n" }],
    ["an absolute path", { path: "/a", content: "\n" }],
    ["a path with a quote", { path: 'a"b', content: "\n" }],
    ["a text without a final newline", { path: "a", content: "x" }],
    ["a carriage return", { path: "a", content: "x\r\n" }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => renderBundle([file]), /^Error: bundle: /);
    });
  }

  it("refuses the same path twice", () => {
    const file = { path: "a", content: "\n" };
    assert.throws(() => renderBundle([file, file]), /a is there twice/);
  });
});
