import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type LedgerEntry, ledgerLine } from "../../components/ledger/entry.ts";
import { installScripts } from "../support/host-scripts.ts";
import { type Result, docker, run, runOk } from "../support/process.ts";

const NAME = `bluegreen-prune-${process.pid}`;

const image = (release: string): string => `${NAME}:${release}`;

function released(...releases: readonly string[]): string {
  const entries = releases.map((release): LedgerEntry => ({
    ...{ event: "released", at: "2026-01-02T03:04:05Z", color: "blue", release, by: 'a "}name' },
    images: { api: image(release), worker: image(release) },
  }));
  return entries.map((entry) => `${ledgerLine(entry)}\n`).join("");
}

describe("prune.sh on a real engine", function () {
  this.timeout(600_000);
  let folder: string;
  let script: string;
  /** The stack's directory, and that of another stack on this host. */
  let own: string;
  let other: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), `${NAME}-`));
    script = (await installScripts(folder))("prune.sh");
    [own, other] = [path.join(folder, "own"), path.join(folder, "other")];
    for (const directory of [own, other])
      await mkdir(path.join(directory, "gateway/run"), { recursive: true });
    for (const release of ["1", "2", "3", "4", "5"]) {
      const input = `FROM scratch\nLABEL release=${release}\nCMD ["none"]\n`;
      const options = { input, env: { ...process.env, DOCKER_BUILDKIT: "0" } };
      await runOk("docker", ["build", "--quiet", "--tag", image(release), "-"], options);
    }
    await writeFile(path.join(own, "ledger"), released("1", "2", "3", "4"));
    await container("own", "4", own);
  });
  afterEach(async () => {
    const containers = await docker("ps", "--all", "--quiet", "--filter", `name=^${NAME}-`);
    if (containers !== "") await docker("rm", "--force", ...containers.split("\n"));
    const images = await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", NAME);
    if (images !== "") await docker("image", "rm", ...images.split("\n"));
    await rm(folder, { recursive: true });
  });

  /** A container of a stack, which mounts a folder of its directory as the gateway does; never started. */
  async function container(what: string, release: string, directory: string): Promise<void> {
    const label = ["--label", `bluegreen.stack=${what}`];
    const mount = ["--volume", `${directory}/gateway/run:/run/bluegreen`];
    await docker("create", "--name", `${NAME}-${what}`, ...label, ...mount, image(release));
  }
  const prune = async (...keep: readonly string[]): Promise<Result> =>
    await run(script, [own], { input: keep.map((release) => `${image(release)}\n`).join("") });
  async function left(): Promise<string> {
    const tags = await docker("image", "ls", "--format", "{{.Tag}}", NAME);
    return tags.split("\n").sort().join(" ");
  }

  it("removes what the ledger names and nobody keeps, and nothing else", async () => {
    const { code, output } = await prune("3", "4");
    assert.equal(code, 0, output);
    assert.equal(await left(), "3 4 5");
    assert.match(output, new RegExp(`${image("1")} is of no release that is kept: removed`));
    assert.equal(await readFile(path.join(own, "images.kept"), "utf8"), `${image("3")}\n${image("4")}\n`);
    const again = await prune("3", "4");
    assert.deepEqual([again.code, again.output], [0, ""]);
  });

  it("leaves what a container is made from, though nobody keeps it and it never ran", async () => {
    await docker("create", "--name", `${NAME}-somebody`, image("1"));
    assert.equal((await prune("3")).code, 0);
    assert.equal(await left(), "1 3 4 5");
  });

  it("leaves what is kept under another name", async () => {
    await docker("tag", image("3"), image("alias"));
    await writeFile(path.join(own, "ledger"), released("1", "2", "alias"));
    assert.equal((await prune("3")).code, 0);
    assert.equal(await left(), "3 4 5 alias");
  });

  it("leaves what another stack on the host keeps, or may", async () => {
    await container("other", "5", other);
    await writeFile(path.join(other, "images.kept"), `${image("1")}\n`);
    await writeFile(path.join(other, "ledger"), released("1", "2"));
    assert.equal((await prune("3")).code, 0);
    assert.equal(await left(), "1 3 4 5");
    await rm(path.join(other, "images.kept"));
    assert.equal((await prune("3")).code, 0);
    assert.equal(await left(), "1 3 4 5", "all that it ever released: it never said what it keeps");
    await writeFile(path.join(other, "images.kept"), `${image("2")}\n`);
    assert.equal((await prune("3")).code, 0);
    assert.equal(await left(), "3 4 5");
  });

  it("removes nothing where another stack's directory cannot be looked into", async () => {
    await container("other", "5", other);
    await rm(other, { recursive: true });
    const { code, output } = await prune("3");
    assert.equal(code, 1);
    assert.match(output, /another stack's directory, cannot be looked into: nothing is removed/);
    assert.equal(await left(), "1 2 3 4 5");
  });

  it("removes nothing where nothing is kept, or where the engine does not answer", async () => {
    assert.equal((await prune()).code, 1);
    const env = { ...process.env, DOCKER_HOST: `unix://${folder}/none.sock` };
    const silent = await run(script, [own], { input: `${image("3")}\n`, env });
    assert.equal(silent.code, 1);
    assert.match(silent.output, /the engine does not list its images/);
    assert.equal(await left(), "1 2 3 4 5");
  });
});
