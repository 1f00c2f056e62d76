import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import { type SshAccess, sshCommand, sshControl, sshInput, sshWords } from "../../components/host/reach.ts";
import {
  type SshTarget,
  openConnection,
  runOverSsh,
  stopSharing,
  writeSshFiles,
} from "../../components/host/ssh.ts";
import { HOST_KEYS } from "../support/fixtures.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/process.ts";
import { SshServer } from "../toolchain/sshd.ts";

const ID = { project: "bluegreen", stack: `ssh-${process.pid}` };
const FILES = join(userInfo().homedir, ".ssh", "bluegreen");
const LIMIT = { timeoutMs: 20_000 };

describe("a host over SSH", function () {
  this.timeout(60_000);
  let server: SshServer;
  let access: SshAccess;
  let target: SshTarget;
  let folder: string;

  before(async () => {
    server = await SshServer.start();
    access = { id: ID, user: server.user, port: server.port, key: { kind: "secret" } };
    target = { access, address: "127.0.0.1" };
    folder = mkdtempSync(join(tmpdir(), "host-ssh-"));
  });

  const trust = (hostKey: string, privateKey = server.privateKey) =>
    writeSshFiles(ID, { hostKey, privateKey });
  const closed = () => {
    const [file = "", ...words] = sshControl(access, target.address, "exit");
    try {
      execFileSync(file, words, { stdio: "ignore" });
    } catch {
      // None was open.
    }
  };

  afterEach(closed);

  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
    for (const file of readdirSync(FILES).filter((name) => name.startsWith(`bluegreen-${ID.stack}.`)))
      rmSync(join(FILES, file));
  });

  for (const type of ["ed25519", "rsa"] as const) {
    it(`runs a command where the host key is the expected one, of type ${type}`, async () => {
      await trust(server.hostKeys[type]);
      const ended = await runOverSsh(target, ["sh", "-c", 'cat; echo "$1" >&2; exit 3', "sh", "it's"], {
        ...LIMIT,
        input: "in",
      });
      assert.deepEqual(ended, { code: 3, stdout: "in", stderr: "it's\n" });
    });
  }

  it("sends nothing to a host with another key, of the same type or of one it does not have", async () => {
    for (const hostKey of [HOST_KEYS.ed25519, HOST_KEYS.ecdsa]) {
      await trust(hostKey);
      const before = server.log().length;
      const marker = join(folder, "sent");
      await assert.rejects(runOverSsh(target, ["touch", marker], LIMIT), (error: Error) => {
        assert.match(error.message, /is not the one this stack knows: its host key .*nothing was sent/);
        return true;
      });
      const log = server.log().slice(before);
      assert.match(log, /Connection from 127.0.0.1/);
      assert.doesNotMatch(log, /userauth-request|Accepted|Failed/);
      assert.ok(!existsSync(marker));
    }
  });

  it("takes no connection that was open before the host key was changed", async () => {
    await trust(server.hostKeys.ed25519);
    await openConnection(target);
    assert.equal(await trust(HOST_KEYS.ed25519), true);
    await stopSharing(target);
    await assert.rejects(runOverSsh(target, ["true"], LIMIT), /is not the one this stack knows/);
  });

  it("opens one connection, which everything after it goes through", async () => {
    await trust(server.hostKeys.ed25519);
    const before = server.log().length;
    assert.equal(await openConnection(target), "opened");
    assert.equal(await openConnection(target), "reused");
    for (let n = 0; n < 5; n += 1) await runOverSsh(target, ["true"], LIMIT);
    const [file = "", ...words] = sshWords(access, target.address, ["true"]);
    execFileSync(file, words);
    assert.equal(
      server
        .log()
        .slice(before)
        .match(/Accepted publickey/g)?.length,
      1,
    );
  });

  it("opens it again where it broke unnoticed, as when the host was switched off", async () => {
    await trust(server.hostKeys.ed25519);
    await openConnection(target);
    const { stdout } = await runOverSsh(target, ["sh", "-c", "echo $PPID"], LIMIT);
    process.kill(Number(stdout), "SIGSTOP");
    const began = performance.now();
    try {
      const ended = await runOverSsh(target, ["echo", "again"], { timeoutMs: 2000 });
      assert.equal(ended.stdout, "again\n");
      // Without waiting for the old connection's own end, 15 s after its last sign of life.
      assert.ok(performance.now() - began < 10_000);
    } finally {
      process.kill(Number(stdout), "SIGKILL");
    }
  });

  it("says which key was refused", async () => {
    const other = join(folder, "other");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other]);
    await trust(server.hostKeys.ed25519, readFileSync(other, "utf8"));
    await assert.rejects(
      runOverSsh(target, ["true"], LIMIT),
      /127\.0\.0\.1 refuses \S+ with the key in host\.key\.value; put its public half into/,
    );
  });

  it("says where nobody answers", async () => {
    await trust(server.hostKeys.ed25519);
    const port = await freePort();
    await assert.rejects(
      runOverSsh({ ...target, access: { ...access, port } }, ["true"], LIMIT),
      new RegExp(`no SSH connection to 127.0.0.1 port ${port} \\(.*Connection refused`),
    );
  });

  it("gets there through a bastion, whose host key is checked as well", async () => {
    const bastion = await SshServer.start();
    const { user, port } = bastion;
    const through = { ...target, access: { ...access, bastion: { address: "127.0.0.1", port, user } } };
    try {
      bastion.admit(server);
      const files = { hostKey: server.hostKeys.ed25519, privateKey: server.privateKey };
      await writeSshFiles(ID, { ...files, bastionKey: bastion.hostKeys.rsa });
      assert.equal((await runOverSsh(through, ["echo", "there"], LIMIT)).stdout, "there\n");
      assert.match(bastion.log(), /Accepted publickey/);
      execFileSync("ssh", sshControl(through.access, target.address, "exit").slice(1), { stdio: "ignore" });
      await writeSshFiles(ID, { ...files, bastionKey: HOST_KEYS.rsa });
      await assert.rejects(runOverSsh(through, ["true"], LIMIT), /host\.bastion\.hostKey.*nothing was sent/);
    } finally {
      await bastion.stop();
    }
  });

  it("a command whose connection is cut goes on to its end on the host, with all of its input", async () => {
    await trust(server.hostKeys.ed25519);
    await openConnection(target);
    const [go, done] = [join(folder, "go"), join(folder, "done")];
    const script = 'echo started; until [ -e "$1" ]; do sleep 0.1; done; cat >"$2.new"; mv "$2.new" "$2"';
    const text = sshCommand(access, target.address, ["sh", "-c", script, "sh", go, done]);
    const child = spawn("sh", ["-c", `exec ${text}`], { stdio: ["pipe", "pipe", "ignore"] });
    const started = new Promise((resolve) => child.stdout.once("data", resolve));
    child.stdin.end(sshInput("all of it\n"));
    await started;
    closed();
    child.kill("SIGKILL");
    execFileSync("touch", [go]);
    await until("the command ends on the host", () => existsSync(done));
    assert.equal(readFileSync(done, "utf8"), "all of it\n");
  });

  it("keeps the stack's config out of what it starts", async () => {
    await trust(server.hostKeys.ed25519);
    process.env["PULUMI_CONFIG"] = '{"bluegreen:secret":"hunter2"}';
    try {
      await openConnection(target);
      const master = execFileSync("pgrep", ["-f", `ssh: .*bluegreen/.*\\[mux\\]|bluegreen-${ID.stack}`], {
        encoding: "utf8",
      });
      const environments = master
        .trim()
        .split("\n")
        .map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8"));
      assert.ok(environments.length > 0);
      for (const environment of environments) assert.doesNotMatch(environment, /hunter2/);
    } finally {
      delete process.env["PULUMI_CONFIG"];
    }
  });
});
