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
/** Shell's text that finds the process of sshd which this connection goes through. */
const SERVER =
  'server=$PPID; until ps -o comm= -p "$server" | grep -q "^sshd"; do server=$(ps -o ppid= -p "$server" | tr -d " "); done';

describe("a host over SSH", function () {
  this.timeout(600_000);
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
    for (const repeatable of [true, false]) {
      const { stdout } = await runOverSsh(target, ["sh", "-c", `${SERVER}; echo "$server"`], LIMIT);
      process.kill(Number(stdout), "SIGSTOP");
      const began = performance.now();
      try {
        const ended = await runOverSsh(target, ["echo", "again"], { timeoutMs: 2000, repeatable });
        assert.equal(ended.stdout, "again\n");
        // Without waiting for the old connection's own end, 15 s after its last sign of life.
        assert.ok(performance.now() - began < 10_000);
      } finally {
        process.kill(Number(stdout), "SIGKILL");
      }
    }
  });

  for (const [how, breaks] of [
    ["whose connection is cut", `${SERVER}; kill -9 "$server"; exec >&- 2>&-; sleep 1`],
    ["that takes too long", "sleep 4"],
  ] as const) {
    it(`runs a command ${how} once, and says that it may go on and where to look`, async () => {
      await trust(server.hostKeys.ed25519);
      await openConnection(target);
      const runs = join(folder, `runs of one ${how}`);
      await assert.rejects(
        runOverSsh(target, ["sh", "-c", `echo run >>"$1"; ${breaks}`, "sh", runs], { timeoutMs: 2000 }),
        new RegExp(
          `may still be running on the host: look with \`ssh -p ${server.port} \\S+@127.0.0.1 pgrep -af sh\`.* ` +
            `npx bluegreen history --stack ${ID.stack}`,
        ),
      );
      await openConnection(target);
      assert.equal(readFileSync(runs, "utf8"), "run\n");
    });
  }

  it("asks again what may be asked twice where the connection is cut meanwhile", async () => {
    await trust(server.hostKeys.ed25519);
    await openConnection(target);
    const runs = join(folder, "asked");
    const script = `echo run >>"$1"; [ "$(wc -l <"$1")" -gt 1 ] || { ${SERVER}; kill -9 "$server"; sleep 1; }; echo told`;
    const ended = await runOverSsh(target, ["sh", "-c", script, "sh", runs], { ...LIMIT, repeatable: true });
    assert.deepEqual([ended.stdout, readFileSync(runs, "utf8")], ["told\n", "run\nrun\n"]);
  });

  it("gives a command the whole of its input, or does not begin it", async () => {
    await trust(server.hostKeys.ed25519);
    const input = "0123456789abcdef".repeat(512 * 1024);
    const got = join(folder, "got");
    const script = `{ head -c 16; ${SERVER}; kill -9 "$server"; cat; } >"$1.new"; mv "$1.new" "$1"`;
    await assert.rejects(runOverSsh(target, ["sh", "-c", script, "sh", got], { ...LIMIT, input }));
    await until("the command ends on the host", () => existsSync(got));
    assert.equal(readFileSync(got, "utf8").length, input.length);
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
