import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stateLocks } from "../../../release/doctor/locks.ts";
import { run } from "../../support/process.ts";

const STACK = { project: "bluegreen", name: "dev" };

describe("the locks on a stack's state", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "locks-"));
    await mkdir(join(folder, ".pulumi/locks/organization/bluegreen/dev"), { recursive: true });
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const lock = (name: string, pid: number, machine = hostname()): Promise<void> =>
    writeFile(
      join(folder, ".pulumi/locks/organization/bluegreen/dev", `${name}.json`),
      JSON.stringify({
        pid,
        username: "anna",
        hostname: machine,
        timestamp: "2026-06-01T00:00:00.123456789Z",
      }),
    );
  const asked = () => stateLocks(pathToFileURL(folder).href, STACK);

  it("are who holds one, since when, and whether that is over", async () => {
    assert.deepEqual(await asked(), []);
    const { stdout } = await run("sh", ["-c", "echo $$"]);
    await lock("over", Number(stdout));
    await lock("runs", process.pid);
    await lock("elsewhere", 1, "other");
    const since = "2026-06-01T00:00:00Z";
    assert.deepEqual(
      [...((await asked()) ?? [])].sort((a, b) => String(a.runs).localeCompare(String(b.runs))),
      [
        { by: `anna@${hostname()}, process ${stdout.trim()}`, since, runs: false },
        { by: `anna@${hostname()}, process ${process.pid}`, since, runs: true },
        { by: "anna@other, process 1", since, runs: undefined },
      ],
    );
  });

  it("pass over what is no lock, and are unknown of a state elsewhere", async () => {
    await writeFile(join(folder, ".pulumi/locks/organization/bluegreen/dev/half.json"), '{"pid":');
    assert.deepEqual(await asked(), []);
    assert.equal(await stateLocks("s3://somewhere", STACK), undefined);
  });
});
