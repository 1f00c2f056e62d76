import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { readConfigFile, writeConfigFile } from "../../../release/config-file.ts";
import { carriedBack, carriedOut } from "../../../release/engine-run.ts";
import { Refusal } from "../../../release/outcome.ts";
import { firstLine, setConfig } from "../../../release/stack.ts";
import { plainProgress } from "../../../release/terminal.ts";

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
    assert.equal(await putBack(), false);
    assert.deepEqual(await values(), { active: "blue", blue: { release: "7" } });
  });

  it("is not made in a file that somebody else wrote since it was read", async () => {
    const config = await readConfigFile(folder, "bluegreen", "dev");
    await writeFile(path, TEXT.replace('"1"', '"7"'));
    await assert.rejects(
      setConfig({ project: "bluegreen", config }, { active: "green" }),
      /somebody else changed/,
    );
    assert.deepEqual(await values(), { active: "blue", blue: { release: "7" } });
    await writeFile(path, `${TEXT}encryptionsalt: v1:abc\n`);
    await setConfig({ project: "bluegreen", config }, { active: "green" });
    assert.match(await readFile(path, "utf8"), /^encryptionsalt: v1:abc$/m);
  });

  it("is whole whoever writes at the same time, and leaves nothing beside the file", async () => {
    const texts = Array.from({ length: 8 }, (_, writer) => `# ${String(writer).repeat(100_000)}\n`);
    await Promise.all(texts.map((text) => writeConfigFile(path, text)));
    assert.ok(texts.includes(await readFile(path, "utf8")));
    assert.deepEqual(await readdir(folder), ["Pulumi.dev.yaml"]);
    const nowhere = join(folder, "nowhere", "Pulumi.dev.yaml");
    await assert.rejects(writeConfigFile(nowhere, ""), /ENOENT/);
    await mkdir(join(folder, "taken"));
    await assert.rejects(writeConfigFile(join(folder, "taken"), ""), /EISDIR|ENOTEMPTY|EEXIST/);
    assert.deepEqual((await readdir(folder)).sort(), ["Pulumi.dev.yaml", "taken"]);
  });
});

describe("an edit that is carried out", () => {
  /** Each update of it fails, once it has begun. */
  function failing() {
    const began: string[] = [];
    const up = ({ message }: { readonly message?: string } = {}) => {
      began.push(message ?? "");
      return Promise.reject(new Error("error: no such image"));
    };
    return { began, stack: { name: "dev", engine: { up } } };
  }
  const progress = plainProgress(new PassThrough());
  const stop = new AbortController().signal;
  const edit = (ours: boolean) => ({
    putBack: () => Promise.resolve(ours),
    stillOurs: () => (ours ? Promise.resolve() : Promise.reject(new Refusal("somebody else changed it", ""))),
  });

  it("is what stands in the file, or is not begun", async () => {
    const { began, stack } = failing();
    const begun = carriedOut(stack, "ours", progress, { edit: edit(true), stop });
    await assert.rejects(begun, /no such image/);
    const refused = carriedOut(stack, "theirs", progress, { edit: edit(false), stop });
    await assert.rejects(refused, /somebody else changed it/);
    assert.deepEqual(began, ["ours"]);
  });

  it("is put back and carried out, but where that would be somebody else's", async () => {
    const { began, stack } = failing();
    assert.match((await carriedBack(stack, edit(true), "undo", progress)) ?? "", /no such image/);
    assert.match((await carriedBack(stack, edit(false), "undo theirs", progress)) ?? "", /somebody else/);
    assert.deepEqual(began, ["undo"]);
  });
});

describe("what the engine's CLI said first", () => {
  it("is found in all that the Automation API and Node say", () => {
    assert.equal(
      firstLine(new Error("code: 255\n stdout: \n stderr: error: no stack named 'x'\nmore")),
      "error: no stack named 'x'",
    );
    const command = "Command failed: pulumi stack output --json --stack x";
    assert.equal(
      firstLine(new Error(`${command}\nerror: no stack named 'x'\n`)),
      "error: no stack named 'x'",
    );
    assert.equal(firstLine("plain\ntext"), "plain");
  });
});
