// The contract of @pulumi/command 1.2.1's remote.Command and remote.CopyToRemote, over a real SSH server on loopback.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/ports.ts";
import { SshServer } from "./sshd.ts";
import { alive, ThrowAwayStack, until } from "./support.ts";
import type { Declared, Value } from "./support.ts";

describe("command.remote", function () {
  this.timeout(300_000);
  const stack = new ThrowAwayStack();
  const journal = join(stack.folder, "journal");
  const target = join(stack.folder, "copied");
  const note = (line: string): string => `echo "${line}" >> ${journal}`;
  let server: SshServer;
  let closedPort: number;

  const connection = (more: Record<string, Value> = {}): Record<string, Value> => ({
    host: "127.0.0.1",
    port: server.port,
    user: server.user,
    privateKey: { secret: server.privateKey },
    hostKey: server.hostKeys.ed25519,
    dialErrorLimit: 0,
    ...more,
  });
  const remote = (args: Record<string, Value>, more?: Record<string, Value>): Declared => ({
    kind: "remote",
    args: { connection: connection(more), addPreviousOutputInEnv: false, ...args },
  });
  const resources = (word: string): Record<string, Declared> => ({
    plain: remote({
      create: 'printf "$ACCEPTED "; cat; echo err >&2',
      stdin: { secret: "hidden-i" },
      environment: { ACCEPTED: "yes" },
    }),
    proxied: remote(
      { create: 'echo "$SSH_CONNECTION"' },
      {
        proxy: {
          host: "127.0.0.1",
          port: server.port,
          user: server.user,
          privateKey: { secret: server.privateKey },
          hostKey: server.hostKeys.ed25519,
        },
      },
    ),
    rsa: remote({ create: "echo rsa" }, { hostKey: server.hostKeys.rsa }),
    long: remote({ create: "head -c 200000 /dev/zero | tr '\\0' x" }),
    updated: remote({
      create: note("updated create"),
      update: note(`updated update ${word}`),
      delete: note(`updated delete ${word}`),
    }),
    triggered: remote({
      create: note(`triggered create ${word}`),
      delete: note(`triggered delete ${word}`),
      triggers: [word],
    }),
    text: {
      kind: "copy",
      args: {
        connection: connection(),
        source: { text: `content ${word}` },
        remotePath: join(target, "deep/file"),
      },
    },
    folder: {
      kind: "copy",
      args: { connection: connection(), source: { path: "./from" }, remotePath: join(target, "folder") },
    },
  });

  before(async () => {
    server = await SshServer.start();
    closedPort = await freePort();
    mkdirSync(join(stack.folder, "from/inner"), { recursive: true });
    writeFileSync(join(stack.folder, "from/inner/leaf"), "leaf");
    await stack.init();
    await stack.mustUp(resources("one"));
  });
  after(async () => {
    await stack.remove();
    await server.stop();
  });

  it("runs over SSH with the host key checked, with stdin and the environment that the server accepts", () => {
    const { stdout, stderr } = stack.recorded("plain").outputs;
    assert.deepEqual({ stdout, stderr }, { stdout: "yes hidden-i", stderr: "err" });
  });
  it("goes through a proxy", () => {
    assert.match(String(stack.recorded("proxied").outputs["stdout"]), /^127\.0\.0\.1 /);
  });
  it("keeps the connection and secret inputs secret in state", () => {
    assert.doesNotMatch(stack.stateText(), /PRIVATE KEY/);
    assert.match(JSON.stringify(stack.recorded("plain").inputs["connection"]), /ciphertext/);
    assert.match(JSON.stringify(stack.recorded("plain").inputs["stdin"]), /ciphertext/);
  });
  it("works with an RSA host key and a line of 200 kB (beyond the published one)", () => {
    assert.equal(stack.recorded("rsa").outputs["stdout"], "rsa");
    assert.equal(stack.recorded("long").outputs["stdout"], "x".repeat(200_000));
  });
  it("copies a text, making its folders, and a folder by its name", () => {
    assert.equal(readFileSync(join(target, "deep/file"), "utf8"), "content one");
    assert.equal(readFileSync(join(target, "folder/from/inner/leaf"), "utf8"), "leaf");
  });
  it("changes nothing when nothing changed", async () => {
    const up = await stack.up("--expect-no-changes");
    assert.equal(up.exitCode, 0, up.text);
  });
  it("updates in place, replaces by trigger with the old delete last, and copies changed content", async () => {
    const before = stack.lines("journal").length;
    await stack.mustUp(resources("two"));
    const ran = stack.lines("journal").slice(before);
    assert.deepEqual(
      ran.filter((line) => line.startsWith("updated")),
      ["updated update two"],
    );
    assert.deepEqual(
      ran.filter((line) => line.startsWith("triggered")),
      ["triggered create two", "triggered delete one"],
    );
    assert.equal(readFileSync(join(target, "deep/file"), "utf8"), "content two");
  });
  it("fails with the reason, each, and leaves nothing in state", async () => {
    const otherKey = server.hostKeys.ed25519.replace(/.{8}( test)?$/, "AAAAAAAA");
    stack.declare({
      ...resources("two"),
      failing: remote({ create: "echo why; exit 3", logging: "none" }),
      refused: remote({ create: "true", environment: { OTHER: "x" } }),
      // Without end, but for a wrong key: that one must not be dialled again (beyond the published one).
      impostor: remote({ create: "true" }, { hostKey: otherKey, dialErrorLimit: -1 }),
      closed: remote({ create: "true" }, { port: closedPort, dialErrorLimit: 2 }),
    });
    const up = await stack.up("--continue-on-error");
    assert.notEqual(up.exitCode, 0);
    assert.match(up.text, /Process exited with status 3: running "echo why; exit 3":\s+why/);
    assert.match(up.text, /environment variable OTHER was refused by 127\.0\.0\.1:\d+ .*AcceptEnv/);
    assert.match(up.text, /attempt 1: .*host key mismatch: .* answers with ssh-ed25519 SHA256:/);
    assert.match(up.text, /attempt 3: .*connection refused/);
    for (const name of ["failing", "refused", "impostor", "closed"])
      assert.equal(stack.state().has(name), false);
  });
  it("does not wait for a remote command when the engine is interrupted (beyond the published one)", async () => {
    stack.declare({
      ...resources("two"),
      slow: remote({ create: `echo $$ > ${stack.folder}/pid; exec sleep 600` }),
    });
    const { process: engine, finished } = stack.start("up", "--yes", "--skip-preview");
    await until("the command runs", () => stack.lines("pid").length === 1);
    engine.kill("SIGINT");
    const { exitCode, text } = await finished;
    // sshd passes no signal on to a root session: the command may run on, which is why remote scripts hold a lock.
    for (const pid of stack.lines("pid").filter(alive)) process.kill(Number(pid));
    assert.notEqual(exitCode, 0);
    assert.match(text, /stopped \(context canceled\): running/);
    assert.equal(stack.state().has("slow"), false);
    assert.doesNotMatch(stack.stateText(), /"pending_operations":\[\{/);
  });
  it("destroys what has a delete over SSH, and what has none without dialling", async () => {
    const before = stack.lines("journal").length;
    await stack.mustUp({ plain: resources("two")["plain"] ?? assert.fail("no plain") });
    assert.deepEqual(stack.lines("journal").slice(before).toSorted(), [
      "triggered delete two",
      "updated delete two",
    ]);
    assert.ok(existsSync(join(target, "deep/file")), "a copy stays on the machine");
    await server.stop();
    const destroyed = await stack.pulumi("destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.exitCode, 0, destroyed.text);
  });
});
