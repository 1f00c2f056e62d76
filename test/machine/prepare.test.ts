import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { at } from "../support/json.ts";
import { TestMachine } from "../support/machine.ts";
import type { Result } from "../support/process.ts";

const script = new URL("../../components/host/prepare.sh", import.meta.url);
const directory = "/var/lib/bluegreen/bluegreen-prepared";
const DROP_IN = "/etc/systemd/system/docker.service.d/owner.conf";
const words = ["--user", "deploy", "--directory", directory];

// One machine for all: each test goes on where the one before it stopped, as a server's life does.
describe("preparing a server as it is bought", function () {
  this.timeout(900_000);
  let machine: TestMachine;
  let text: string;

  before(async () => {
    text = await readFile(script, "utf8");
    machine = await TestMachine.create("prepare", { bare: true });
  });
  after(() => machine.remove());

  async function prepare(...more: readonly string[]): Promise<Result> {
    const command = ["sudo", "-n", "sh", "-s", "--", ...words, ...more];
    return await machine.ssh(command, { user: "deploy", input: text, timeoutMs: 240_000 });
  }

  /** Everything that it may leave behind, with times of change: of a second run none may be newer. */
  async function traces(): Promise<string> {
    const folders = [
      "/etc/docker",
      "/etc/ssh",
      "/etc/apt/apt.conf.d",
      "/etc/sysctl.d",
      "/etc/tmpfiles.d",
      "/etc/group",
    ];
    const find = `find ${folders.join(" ")} -type f -printf '%p %m %T@\\n' 2>/dev/null | sort`;
    const engine = await machine.execOk("systemctl", "show", "docker", "--property", "ActiveEnterTimestamp");
    return `${await machine.execOk("sh", "-c", find)}\n${engine}`;
  }

  it("begins without Docker", async () => {
    assert.notEqual((await machine.exec("sh", "-c", "command -v docker dockerd")).code, 0);
  });

  it("refuses who may not become root, and changes nothing", async () => {
    const before = await traces();
    const { code, output } = await machine.ssh(["sh", "-s", "--", ...words], { user: "deploy", input: text });
    assert.notEqual(code, 0);
    assert.match(output, /root.*sudo/);
    assert.equal(await traces(), before);
  });

  it("refuses another system by its name, and changes nothing", async () => {
    const release = await machine.read("/etc/os-release");
    const before = await traces();
    await machine.write("/etc/os-release", "ID=fedora\n");
    try {
      const { code, output } = await prepare();
      assert.notEqual(code, 0);
      assert.match(output, /fedora.*Debian.*Ubuntu/);
      assert.equal(await traces(), before);
    } finally {
      await machine.write("/etc/os-release", release);
    }
  });

  it("does nothing of a script that was cut off on its way", async () => {
    const before = await traces();
    const half = text.slice(0, text.lastIndexOf("\nmain "));
    await machine.ssh(["sudo", "-n", "sh", "-s", "--", ...words], { user: "deploy", input: half });
    assert.equal(await traces(), before);
  });

  it("puts Docker there, with the settings that a stack needs", async () => {
    const { code, output } = await prepare();
    assert.equal(code, 0, output);
    const settings: unknown = JSON.parse(await machine.read("/etc/docker/daemon.json"));
    assert.equal(at(settings, "live-restore"), true);
    assert.equal(at(settings, "icc"), false);
    assert.deepEqual(at(settings, "log-opts"), { "max-size": "10m", "max-file": "3" });
    const info = ["docker", "info", "--format", "{{.LiveRestoreEnabled}} {{.LoggingDriver}}"];
    // By the deployer, at his next login, without sudo.
    const asked = await machine.ssh(info, { user: "deploy" });
    assert.equal(asked.stdout.trim(), "true json-file", asked.output);
    assert.equal(await machine.execOk("systemctl", "is-enabled", "docker"), "enabled");
    assert.equal(await machine.execOk("stat", "-c", "%U %a", directory), "deploy 700");
  });

  it("raises sshd's limits, which count at once", async () => {
    // Its words are in small letters or not, by its version.
    const effective = await machine.execOk("sshd", "-T");
    assert.match(effective, /^maxstartups 100:30:200$/im);
    assert.match(effective, /^maxsessions 100$/im);
    // Twice the ten that sshd takes by itself.
    const logins = Array.from({ length: 20 }, () => machine.ssh(["true"], { user: "deploy" }));
    assert.deepEqual(
      (await Promise.all(logins)).filter(({ code }) => code !== 0),
      [],
    );
  });

  it("turns security updates on and restarts for them off, and sets the kernel for Redis", async () => {
    const apt = await machine.execOk("apt-config", "dump");
    assert.match(apt, /^APT::Periodic::Unattended-Upgrade "1";$/m);
    assert.match(apt, /^Unattended-Upgrade::Automatic-Reboot "false";$/m);
    assert.equal(await machine.execOk("sysctl", "-n", "net.core.somaxconn"), "1024");
    assert.match(await machine.read("/etc/sysctl.d/60-bluegreen.conf"), /^vm\.overcommit_memory = 1$/m);
  });

  it("changes nothing the second time", async () => {
    const before = await traces();
    const { code, output } = await prepare();
    assert.equal(code, 0, output);
    assert.equal(await traces(), before);
    assert.doesNotMatch(output, /wrote|installing/);
  });

  it("mends what was changed by hand, and keeps the owner's own settings", async () => {
    await machine.write("/etc/docker/daemon.json", '{"dns": ["192.0.2.1"], "live-restore": false}\n');
    await machine.write("/etc/ssh/sshd_config.d/10-bluegreen.conf", "MaxStartups 1\n");
    const { code, output } = await prepare();
    assert.equal(code, 0, output);
    const settings: unknown = JSON.parse(await machine.read("/etc/docker/daemon.json"));
    assert.deepEqual(at(settings, "dns"), ["192.0.2.1"]);
    assert.equal(at(settings, "live-restore"), true);
    assert.match(await machine.execOk("sshd", "-T"), /^maxstartups 100:30:200$/im);
  });

  it("refuses settings of Docker's that cannot be read, and leaves them alone", async () => {
    const good = await machine.read("/etc/docker/daemon.json");
    await machine.write("/etc/docker/daemon.json", "{broken\n");
    const { code, output } = await prepare();
    assert.notEqual(code, 0);
    assert.match(output, /daemon\.json/);
    assert.equal(await machine.read("/etc/docker/daemon.json"), "{broken\n");
    assert.equal((await machine.exec("docker", "version")).code, 0);
    await machine.write("/etc/docker/daemon.json", good);
  });

  /** Docker as its owner starts it: with these settings and words. A container runs on it, and says how long. */
  async function ownersDocker(settings: string, flags: string): Promise<() => Promise<string>> {
    await machine.execOk("mkdir", "-p", DROP_IN.slice(0, DROP_IN.lastIndexOf("/")));
    // In the mounts of every other start, or this container's could not be taken away after it.
    const dockerd = "/usr/lib/machine/inside-host-cgroups /usr/sbin/dockerd";
    await machine.write(DROP_IN, `[Service]\nExecStart=\nExecStart=${dockerd} ${flags}\n`);
    await machine.write("/etc/docker/daemon.json", settings);
    await machine.execOk("systemctl", "daemon-reload");
    // systemd refuses the fourth start within a minute, whoever asked for it.
    await machine.execOk("systemctl", "reset-failed", "docker");
    await machine.execOk("systemctl", "restart", "docker");
    await machine.docker("rm", "--force", "running");
    await machine.docker("run", "--detach", "--name", "running", "redis:8");
    return () => machine.docker("inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", "running");
  }

  async function liveRestore(): Promise<string> {
    return await machine.docker("info", "--format", "{{.LiveRestoreEnabled}}");
  }

  describe("beside containers that run", () => {
    before(() => machine.loadImages("redis:8"));

    for (const settings of ["{}\n", '{"live-restore": true}\n'])
      it(`takes its settings back where dockerd's own words forbid them (${settings.trim()}), and stops nothing`, async () => {
        const running = await ownersDocker(settings, "-H fd:// --icc=true");
        const before = await running();
        const { code, output } = await prepare();
        assert.notEqual(code, 0, output);
        assert.match(output, /daemon\.json is as it was before.*command line.*systemctl cat docker/s);
        assert.equal(await machine.read("/etc/docker/daemon.json"), settings);
        assert.equal(await running(), before);
      });

    it("goes on where it was cut off after it wrote the settings, and stops nothing", async () => {
      const running = await ownersDocker("{}\n", "-H fd://");
      const before = await running();
      await machine.write(
        "/etc/docker/daemon.json",
        `${JSON.stringify(
          {
            "live-restore": true,
            icc: false,
            "log-driver": "json-file",
            "log-opts": { "max-size": "10m", "max-file": "3" },
          },
          undefined,
          2,
        )}\n`,
      );
      assert.equal(await liveRestore(), "false");
      const { code, output } = await prepare();
      assert.equal(code, 0, output);
      assert.doesNotMatch(output, /wrote/);
      assert.equal(await liveRestore(), "true");
      assert.equal(await running(), before);
    });

    it("refuses an engine of a swarm, whose containers would be stopped", async () => {
      const running = await ownersDocker("{}\n", "-H fd://");
      await machine.docker("swarm", "init", "--advertise-addr", "127.0.0.1");
      const before = await running();
      const { code, output } = await prepare();
      assert.notEqual(code, 0, output);
      assert.match(output, /swarm leave/);
      assert.equal(await machine.read("/etc/docker/daemon.json"), "{}\n");
      assert.equal(await running(), before);
      await machine.docker("swarm", "leave", "--force");
    });

    after(async () => {
      await machine.execOk("rm", "-f", DROP_IN);
      await machine.execOk("systemctl", "daemon-reload");
      await machine.execOk("systemctl", "reset-failed", "docker");
      const { code, output } = await prepare();
      assert.equal(code, 0, output);
      await machine.docker("rm", "--force", "running");
    });
  });

  it("takes a full disk for what it is", async () => {
    await machine.execOk("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/etc/apt/apt.conf.d");
    try {
      await machine.execOk(
        "sh",
        "-c",
        "dd if=/dev/zero of=/etc/apt/apt.conf.d/full bs=4k count=1 status=none || true",
      );
      const { code, output } = await prepare();
      assert.notEqual(code, 0, output);
      assert.match(output, /52bluegreen.*disk full/);
    } finally {
      await machine.execOk("umount", "/etc/apt/apt.conf.d");
    }
  });

  it("of two deployers at once each waits for the other", async () => {
    const results = await Promise.all([prepare(), prepare()]);
    for (const { code, output } of results) assert.equal(code, 0, output);
  });

  it("holds after a reboot: the engine comes back with its containers", async () => {
    await machine.loadImages("redis:8");
    await machine.docker("run", "--detach", "--name", "kept", "--restart", "unless-stopped", "redis:8");
    await machine.docker("exec", "kept", "redis-cli", "set", "answer", "42");
    await machine.docker("exec", "kept", "redis-cli", "save");
    const backMs = await machine.reboot();
    await machine.ready();
    assert.equal(await machine.docker("inspect", "--format", "{{.State.Running}}", "kept"), "true");
    assert.equal(await machine.docker("exec", "kept", "redis-cli", "get", "answer"), "42");
    assert.ok(backMs < 60_000, `${backMs} ms`);
    assert.equal(await machine.execOk("sysctl", "-n", "net.core.somaxconn"), "1024");
  });
});
