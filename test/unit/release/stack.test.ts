import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfigFile } from "../../../release/config-file.ts";
import { firstLine, setConfig } from "../../../release/stack.ts";

const TEXT = `config:
  # whose turn it is
  bluegreen:active: blue
  bluegreen:blue: { release: "1" } # as it runs
`;

describe("an edit of a stack's config", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "stack-"));
    path = join(folder, "Pulumi.dev.yaml");
    await writeFile(path, TEXT);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const edit = async () =>
    setConfig(
      { project: "bluegreen", config: await readConfigFile(folder, "bluegreen", "dev") },
      { active: "green", green: { release: "2" } },
    );
  const values = async () => (await readConfigFile(folder, "bluegreen", "dev")).values;

  it("is taken back to the letter", async () => {
    const { putBack, stillOurs } = await edit();
    assert.deepEqual(await values(), { active: "green", blue: { release: "1" }, green: { release: "2" } });
    await stillOurs();
    await putBack();
    assert.equal(await readFile(path, "utf8"), TEXT);
  });

  it("is taken back where the engine wrote a line of its own, which stays", async () => {
    const { putBack, stillOurs } = await edit();
    await appendFile(path, "encryptionsalt: v1:abc\n");
    await stillOurs();
    await putBack();
    assert.deepEqual(await values(), { active: "blue", blue: { release: "1" } });
    assert.match(await readFile(path, "utf8"), /^encryptionsalt: v1:abc$/m);
  });

  it("is left to whoever wrote the file since", async () => {
    const { putBack, stillOurs } = await edit();
    await writeFile(path, TEXT.replace('"1"', '"7"'));
    await assert.rejects(stillOurs(), /somebody else changed/);
    await putBack();
    assert.deepEqual(await values(), { active: "blue", blue: { release: "7" } });
  });
});

describe("what the engine's CLI said first", () => {
  it("is found in all that the Automation API says", () => {
    assert.equal(
      firstLine(new Error("code: 255\n stdout: \n stderr: error: no stack named 'x'\nmore")),
      "error: no stack named 'x'",
    );
    assert.equal(firstLine("plain\ntext"), "plain");
  });
});
