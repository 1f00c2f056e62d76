import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsedJson } from "../../../components/parsed-json.ts";
import { type KnownHost, reachHost } from "../../../release/host.ts";
import { Failure, HostError, Refusal, endOf, onTop } from "../../../release/outcome.ts";
import { recorded } from "../../../release/record-run.ts";
import { recordOf } from "../../support/fixtures.ts";
import { at } from "../../support/json.ts";
import { run } from "../../support/process.ts";

const bluegreen = new URL("../../../release/bluegreen.ts", import.meta.url).pathname;

function hostOf(host: { readonly [key: string]: string | number | { readonly [key: string]: string } }) {
  return reachHost({
    ...{ project: "bluegreen", name: "dev", record: recordOf() },
    config: { path: "", text: "", values: { host } },
    engine: { getConfig: () => Promise.reject(new Error("no secret here")) },
  });
}

describe("a command that never began", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "outcome-"));
    await writeFile(join(folder, "Pulumi.yaml"), "name: bluegreen\nruntime: nodejs\n");
    await writeFile(join(folder, "Pulumi.dev.yaml"), "config:\n  bluegreen:active: blue\n");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is refused where this machine has no pulumi, with what to type and no stack trace", async () => {
    const env = { ...process.env, PATH: folder };
    const { code, stderr } = await run(process.execPath, [bluegreen, "status"], { cwd: folder, env });
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /the engine's command line `pulumi` is missing here[^]*\n {2}fix: eval "\$\(make -s env\)"/,
    );
    assert.doesNotMatch(stderr, /^ +at /m);
  });

  it("says why in one JSON document, where that was asked for", async () => {
    const env = { ...process.env, PATH: folder };
    const json = async (...words: readonly string[]): Promise<readonly [unknown, string]> => {
      const { code, stdout } = await run(process.execPath, [bluegreen, ...words], { cwd: folder, env });
      assert.equal(code, 2, stdout);
      return [parsedJson(stdout), stdout];
    };
    const [missing] = await json("status", "--json");
    assert.deepEqual(at(missing, "error"), {
      ...{ kind: "refused", exitCode: 2, next: 'eval "$(make -s env)"' },
      message: at(missing, "error", "message"),
    });
    assert.match(String(at(missing, "error", "message")), /`pulumi` is missing here/);
    const [usage] = await json("deploy", "--json");
    assert.match(String(at(usage, "error", "message")), /required option .*--image/);
    assert.match(String(at(usage, "error", "next")), /bluegreen deploy --help/);
    assert.equal((await json("hold", "--", "echo", "--json"))[1], "", "it is another program's word");
  });

  it("is refused where the host does not answer, or not as it should", async () => {
    const local = await hostOf({ kind: "local", directory: "/srv/bluegreen-dev", memoryMb: 2048 });
    const refused = await local
      .ask(["sh", "-c", "echo no daemon >&2; exit 1"])
      .catch((error: unknown) => error);
    assert.ok(refused instanceof HostError && refused instanceof Refusal);
    assert.match(refused.message, /the host .*no daemon/);
    assert.match(refused.fix, /bluegreen doctor --stack dev/);
  });

  it("is refused where the project's file is none", async () => {
    await writeFile(join(folder, "Pulumi.yaml"), "runtime: [\n");
    const { code, stderr } = await run(process.execPath, [bluegreen, "status"], { cwd: folder });
    assert.equal(code, 2, stderr);
    assert.doesNotMatch(stderr, /^ +at /m);
  });
});

describe("a command that had begun", () => {
  const host: KnownHost = { directory: "/srv", ask: () => Promise.resolve("") };
  const gone = () => Promise.reject(new HostError("gone", "dev"));
  const about = { command: "migrate", by: "Anna" };
  const quiet = (): void => undefined;

  it("has failed where the host is gone since, or what follows is refused", async () => {
    await assert.rejects(
      recorded(host, about, quiet, gone),
      isFailure(/^the host does not answer as it should: gone$/),
    );
    await assert.rejects(onTop(gone), isFailure(/: gone\n.*doctor/));
    const refusal = () => Promise.reject(new Refusal("locked", "pulumi cancel"));
    await assert.rejects(recorded(host, about, quiet, refusal), Refusal);
    await assert.rejects(onTop(refusal), isFailure(/^locked\npulumi cancel$/));
    await assert.rejects(
      onTop(() => Promise.reject(new Error("a bug"))),
      /a bug/,
    );
    assert.equal(await onTop(() => Promise.resolve(7)), 7);
  });
});

describe("how a command ended", () => {
  it("has a kind, an exit code, and what to type", () => {
    const refused = endOf(new Refusal("locked", "pulumi cancel"), false);
    assert.deepEqual(refused, { kind: "refused", message: "locked", next: "pulumi cancel", exitCode: 2 });
    const failed = endOf(new Failure("no such image"), false);
    assert.deepEqual([failed.kind, failed.exitCode], ["failed", 1]);
    assert.match(failed.next, /bluegreen status/);
    assert.deepEqual(endOf(new TypeError("a bug"), false).exitCode, 1);
    const cut = endOf(new Refusal("not carried out", "bluegreen deploy"), true);
    assert.deepEqual([cut.kind, cut.exitCode, cut.next], ["interrupted", 130, "bluegreen deploy"]);
  });
});

function isFailure(message: RegExp) {
  return (error: unknown): boolean => error instanceof Failure && message.test(error.message);
}
