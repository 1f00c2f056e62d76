import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type LedgerEntry, ledgerLine } from "../../../components/ledger/entry.ts";
import { installScripts } from "../../support/host-scripts.ts";
import { type Result, run } from "../../support/process.ts";

const DIGEST = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** An engine that says what the files beside it say, and writes down what it is told to remove. */
const ENGINE = `#!/bin/sh
here=$(dirname "$0")
case "$1 $2" in
  "image ls") sed "s/ / app@<none> /" "$here/images" ;;
  "ps --all") grep -c . "$here/containers" ;;
  "inspect --type") cat "$here/containers" ;;
  "image rm")
    case $3 in *stuck*) echo "conflict: no"; exit 1 ;; esac
    echo "$3" >>"$here/removed"
    ;;
esac
`;

describe("prune.sh", () => {
  let folder: string;
  let script: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "bluegreen-prune-"));
    script = (await installScripts(folder))("prune.sh");
    for (const name of ["own", "other"]) await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, "docker"), ENGINE, { mode: 0o755 });
    await writeFile(path.join(folder, "removed"), "");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const ledger = async (stack: string, ...images: readonly string[]): Promise<void> => {
    const lines = images.map((api, index): LedgerEntry => {
      const about = { at: "2026-01-02T03:04:05Z", color: "blue", release: String(index) } as const;
      return { event: "released", ...about, by: 'a "}, name', images: { api, web: api } };
    });
    await writeFile(
      path.join(folder, stack, "ledger"),
      lines.map((line) => `${ledgerLine(line)}\n`).join(""),
    );
  };
  /** What the engine has: images with the id of each, and what each container is made from, and has mounted. */
  async function engine(images: readonly string[], ...containers: readonly string[]): Promise<void> {
    await writeFile(path.join(folder, "images"), images.map((line) => `${line}\n`).join(""));
    const own = ["sha256:live", "app:live", `from ${folder}/own/gateway/run`];
    await writeFile(path.join(folder, "containers"), `${[...own, ...containers].join("\n")}\n`);
  }
  async function prune(
    ...keep: readonly string[]
  ): Promise<Result & { readonly removed: readonly string[] }> {
    const env = { ...process.env, PATH: `${folder}:${String(process.env["PATH"])}` };
    const result = await run(script, [path.join(folder, "own")], { input: `${keep.join("\n")}\n`, env });
    const removed = (await readFile(path.join(folder, "removed"), "utf8")).split("\n").filter(Boolean);
    return { ...result, removed };
  }
  const tags = (...names: readonly string[]) => names.map((name) => `app:${name} sha256:${name}`);

  it("removes what the ledger names and nobody keeps, once", async () => {
    await ledger("own", "app:1", "app:2", "app:3", "app:gone");
    await engine(tags("1", "2", "3", "stranger"));
    const { code, output, removed } = await prune("app:3", "app:2");
    assert.deepEqual([code, removed], [0, ["app:1"]], output);
    assert.equal(await readFile(path.join(folder, "own/images.kept"), "utf8"), "app:2\napp:3\n");
  });

  it("knows an image by its digest, whatever tag stands before it", async () => {
    const [one, two] = [`registry:5000/app:1@${DIGEST("1")}`, `registry:5000/app:2@${DIGEST("2")}`];
    await ledger("own", one, two);
    await engine([`registry:5000/app@${DIGEST("1")} sha256:1`, `registry:5000/app@${DIGEST("2")} sha256:2`]);
    assert.deepEqual((await prune(two)).removed, [`registry:5000/app@${DIGEST("1")}`]);
  });

  it("leaves what a container has, by name or by id, and what is kept under another name", async () => {
    await ledger("own", "app:1", "app:2", "app:3", "app:4");
    await engine([...tags("1", "2", "4"), "app:3 sha256:4"], "sha256:x", "app:1", "sha256:2", "other:name");
    assert.deepEqual((await prune("app:4")).removed, []);
  });

  it("leaves what another stack keeps, or all that it ever had where it does not say", async () => {
    await ledger("own", "app:1", "app:2", "app:3");
    await ledger("other", "app:1", "app:2");
    await engine(tags("1", "2", "3"), "sha256:o", "app:o", `from ${folder}/other/secrets/postgres`);
    assert.deepEqual((await prune("app:3")).removed, []);
    await writeFile(path.join(folder, "other/images.kept"), "app:2\n");
    assert.deepEqual((await prune("app:3")).removed, ["app:1"]);
  });

  it("leaves what was pulled while another stack releases: it may have no container there yet", async () => {
    const pulled = `app@${DIGEST("1")}`;
    await ledger("own", pulled, "app:2", "app:3");
    const images = [`${pulled} sha256:1`, ...tags("2", "3")];
    await engine(images, "sha256:o", "app:o", `from ${folder}/other/gateway/run`);
    await writeFile(path.join(folder, "other/images.kept"), "app:9\n");
    const command = (event: "began" | "ended", run: string, minutesAgo: number): LedgerEntry => {
      const about = { at: new Date(Date.now() - minutesAgo * 60_000).toISOString(), run, command: "deploy" };
      return event === "began"
        ? { event, ...about, by: 'a "run":"b"' }
        : { event, ...about, ok: true, milliseconds: {} };
    };
    const other = (...entries: readonly LedgerEntry[]) =>
      writeFile(
        path.join(folder, "other/ledger"),
        `${entries.map((entry) => ledgerLine(entry)).join("\n")}\n`,
      );
    await other(command("began", "a", 30), command("began", "b", 20), command("ended", "a", 10));
    const { code, output, removed } = await prune("app:3");
    assert.deepEqual([code, removed], [0, ["app:2"]]);
    assert.match(output, /other, another stack's directory, has a command under way: what was pulled stays/);
    await other(command("began", "a", 30), command("ended", "a", 10), command("began", "cut off", 61));
    assert.deepEqual((await prune("app:3")).removed.toSorted(), ["app:2", "app:2", pulled]);
  });

  it("removes nothing where another stack cannot be asked, or nothing is kept", async () => {
    await ledger("own", "app:1", "app:3");
    await engine(tags("1", "3"), "sha256:o", "app:o", `from ${folder}/nowhere/gateway/run`);
    const { code, output, removed } = await prune("app:3");
    assert.deepEqual([code, removed], [1, []]);
    assert.match(output, /nowhere, another stack's directory, cannot be looked into: nothing is removed/);
    assert.equal((await prune("")).code, 1);
  });

  it("says what could not be removed, and goes on", async () => {
    await ledger("own", "app:0stuck", "app:1", "app:3");
    await engine(tags("0stuck", "1", "3"));
    const { code, output, removed } = await prune("app:3");
    assert.deepEqual([code, removed], [0, ["app:1"]]);
    assert.match(output, /app:0stuck could not be removed: conflict: no/);
  });
});
