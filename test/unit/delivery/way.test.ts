import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { greets, holdOpen } from "../../../delivery/way/open.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/process.ts";
import { wayOf } from "../../../delivery/way/way.ts";

const AGENT = resolve("delivery/way/agent.sh");

describe("the way to a stack's host", () => {
  it("is held open for prod and staging as their files stand, each by its own port; dev needs none", () => {
    const ways = ["dev", "staging", "prod"].map((stack) =>
      wayOf(readFileSync(`Pulumi.${stack}.yaml`, "utf8")),
    );
    assert.deepEqual(ways, [
      { kind: "direct" },
      { kind: "forwarded", port: 2222 },
      { kind: "forwarded", port: 2223 },
    ]);
  });

  describe("when it is opened", () => {
    let folder = "";
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "way-"));
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });

    it("is open as soon as an SSH server greets, and the program goes on", async () => {
      const port = await freePort();
      const server = `const s=require("node:net").createServer((c)=>{c.on("error",()=>{});c.end("SSH-2.0-x\\r\\n")});s.listen(${port},"127.0.0.1");console.log(process.pid);setTimeout(()=>process.exit(),20000)`;
      const log = join(folder, "log");
      await holdOpen([process.execPath, "-e", server], { port, log, limitMs: 9000, env: process.env });
      assert.equal(await greets(port), true);
      process.kill(Number(readFileSync(log, "utf8")));
    });

    it("does not take a port for a way behind which nobody greets", async () => {
      const silent = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n")).listen(
        0,
        "127.0.0.1",
      );
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      assert.equal(await greets(port), false);
      silent.close();
    });

    it("fails with the last lines of a program that ends", async () => {
      const command = ["sh", "-c", "echo no session-manager-plugin >&2; exit 69"] as const;
      await assert.rejects(
        holdOpen(command, { port: 1, log: join(folder, "log"), limitMs: 9000, env: process.env }),
        /port 1: no session-manager-plugin/,
      );
    });

    it("is connect.sh's, by the tools of the environment that it is given: the project's Pulumi is on no other PATH", async () => {
      const port = await freePort();
      const config = `case "$*" in *kind) echo forwarded ;; *port) echo ${port} ;; *) echo eu-central-1 ;; esac`;
      const greeting = `require("node:net").createServer((c)=>c.end("SSH-2.0-x\\r\\n")).listen(${port},"127.0.0.1");setTimeout(()=>process.exit(),20000)`;
      const tools = {
        pulumi: config,
        aws: `case "$1" in ec2) echo i-0abc ;; ssm) exec '${process.execPath}' -e '${greeting}' ;; esac`,
        "session-manager-plugin": "",
      };
      for (const [name, script] of Object.entries(tools))
        writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      // By its group, as a runner ends what a job left.
      const script = `echo $$ >'${folder}/pid'; exec sh components/host/ec2/connect.sh prod`;
      const env = { ...process.env, PATH: `${folder}:/usr/bin:/bin` };
      await holdOpen(["sh", "-c", script], { port, log: join(folder, "log"), limitMs: 9000, env });
      process.kill(-Number(readFileSync(join(folder, "pid"), "utf8")));
    });
  });
});

describe("agent.sh", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("gives the key on stdin to an agent of its own", () => {
    const key = join(folder, "key");
    assert.equal(
      spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "of-this-test", "-f", key]).status,
      0,
    );
    const socket = join(folder, "socket");
    const { status, stdout, stderr } = spawnSync(AGENT, [socket], {
      input: readFileSync(key),
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      assert.match(spawnSync("ssh-add", ["-l"], { env, encoding: "utf8" }).stdout, /of-this-test/);
    } finally {
      process.kill(Number(stdout));
    }
  });

  it("refuses what is no key, without showing it, and leaves no agent", async () => {
    const socket = join(folder, "socket");
    const { status, stderr } = spawnSync(AGENT, [socket], { input: "hunter2", encoding: "utf8" });
    assert.equal(status, 65);
    assert.match(stderr, /no private key/);
    assert.doesNotMatch(stderr, /hunter2/);
    await until("the agent to end", () => !existsSync(socket), 5000);
  });
});
