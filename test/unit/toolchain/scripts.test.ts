import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");

/** A folder of stand-in programs that comes first on PATH. */
function programs(folder: string, scripts: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}`, FOLDER: folder };
}

describe("toolchain scripts", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bluegreen-scripts-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  describe("engine/start.sh and stop.sh", () => {
    const start = join(root, "toolchain/engine/start.sh");
    const stop = join(root, "toolchain/engine/stop.sh");
    const docker = 'test -e "$FOLDER/answers"';
    const dockerd = 'echo $$ >"$2"; touch "$FOLDER/answers"; echo begun; while :; do sleep 0.1; done';

    it("start an engine that outlives the script, and stop it by its pid file", () => {
      const env = programs(folder, { docker, dockerd });
      assert.equal(spawnSync(start, [folder], { env, timeout: 8000 }).status, 0);
      const pid = Number(readFileSync(join(folder, "dockerd.pid"), "utf8"));
      assert.doesNotThrow(() => process.kill(pid, 0));
      assert.match(readFileSync(join(folder, "dockerd.log"), "utf8"), /begun/);
      assert.equal(spawnSync(stop, [folder], { env, timeout: 8000 }).status, 0);
      assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
      assert.equal(existsSync(join(folder, "dockerd.pid")), false);
    });
    it("start nothing where an engine answers", () => {
      const env = programs(folder, { docker: "exit 0", dockerd: 'touch "$FOLDER/started"' });
      assert.equal(spawnSync(start, [folder], { env }).status, 0);
      assert.equal(existsSync(join(folder, "started")), false);
    });
    it("show why an engine ended at once", () => {
      const env = programs(folder, { docker, dockerd: "echo no iptables; exit 1" });
      const ran = spawnSync(start, [folder], { env, encoding: "utf8", timeout: 8000 });
      assert.equal(ran.status, 1);
      assert.match(ran.stderr, /dockerd ended; its last lines:\nno iptables/);
    });
    it("leave a process alone that only has the pid of an engine that is gone", async () => {
      const other = spawn("sleep", ["30"]);
      try {
        writeFileSync(join(folder, "dockerd.pid"), String(other.pid));
        assert.equal(spawnSync(stop, [folder]).status, 0);
        assert.equal(other.exitCode ?? other.signalCode, null);
        assert.equal(existsSync(join(folder, "dockerd.pid")), false);
      } finally {
        const ended = once(other, "exit");
        other.kill();
        await ended;
      }
    });
  });

  describe(".ci/run", () => {
    const run = (make: string) => {
      const env = programs(folder, { make });
      const { status, stdout } = spawnSync(join(root, ".ci/run"), [], { env, encoding: "utf8" });
      return { status, last: stdout.trimEnd().split("\n").at(-1) };
    };
    it("ends with the count and 0 when all passed", () => {
      assert.deepEqual(run("echo 7 passed, 0 failed"), { status: 0, last: "7 passed, 0 failed" });
    });
    it("ends with the count, whatever `make` says after it, and its code", () => {
      const text = 'echo "6 passed, 1 failed"; echo "make: *** Error 1" >&2; exit 2';
      assert.deepEqual(run(text), { status: 2, last: "6 passed, 1 failed" });
    });
    it("counts a run that broke as a failure", () => {
      assert.deepEqual(run("echo broken; exit 1"), { status: 1, last: "0 passed, 1 failed" });
    });
  });
});
