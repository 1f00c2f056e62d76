import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { DATA_MOUNT, DATA_ROOT, renderFirstBoot } from "../../components/host/ec2/first-boot.ts";
import { TestMachine } from "../support/machine.ts";
import { type Result, runOk } from "../support/process.ts";

const VOLUME = "vol-0123456789abcdef0";
const DISK = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0";
const directory = `${DATA_MOUNT}/bluegreen-boot`;
const STATE = "/var/lib/cloud/bluegreen";

// The test machine plays an EC2 instance: the user data is run as cloud-init does it, the volume has AWS's name, and
// packages come from Debian's mirrors. It proves nothing of AWS itself.
describe("the first boot of an instance", function () {
  this.timeout(900_000);
  let machine: TestMachine;

  before(async () => {
    machine = await TestMachine.create("boot", { volumes: { [VOLUME]: 2048 } });
  });
  after(() => machine.remove());

  async function boot(on = machine): Promise<Result> {
    const { stdout: bootKey } = await runOk("sh", [
      "-c",
      'folder=$(mktemp -d); ssh-keygen -q -t ecdsa -N "" -f "$folder/k"; cat "$folder/k"; rm -r "$folder"',
    ]);
    const authorized = await readFile(`${on.keyFile}.pub`, "utf8");
    return await on.runUserData(
      renderFirstBoot({
        volumeId: VOLUME,
        user: "deploy",
        authorizedKeys: [authorized.trim()],
        bootKey,
        directory,
        metrics: { region: "eu-central-1", namespace: "test", stack: "boot" },
      }),
    );
  }

  async function log(): Promise<string> {
    return (await machine.exec("cat", "/var/log/bluegreen-first-boot.log", `${STATE}-failed`)).output;
  }

  /** What cannot be written twice by chance. */
  async function firstBytes(): Promise<string> {
    return await machine.execOk("sh", "-c", `head -c 33554432 ${DISK} | sha256sum`);
  }

  const hostKeys = (): Promise<string> => machine.execOk("sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub");

  it("does not format a disk that holds another file system", async () => {
    await machine.execOk("mkswap", DISK);
    const before = await firstBytes();
    assert.notEqual((await boot()).code, 0);
    assert.match(await log(), /holds 'swap'.*not formatted[\s\S]*at "filesystem"/);
    assert.equal(await firstBytes(), before);
  });

  it("does not format a disk with bytes on it that nobody knows", async () => {
    await machine.execOk(
      "sh",
      "-c",
      `dd if=/dev/zero of=${DISK} bs=1M count=4 status=none && printf data | dd of=${DISK} bs=1 seek=3000000 status=none`,
    );
    const before = await firstBytes();
    const keys = await hostKeys();
    assert.notEqual((await boot()).code, 0);
    assert.match(await log(), /not empty: not formatted/);
    assert.equal(await firstBytes(), before);
    // Both: the one that a deployer may have learned, and the one it is born with, for the others.
    assert.match(keys, /ssh-ed25519[\s\S]*ecdsa|ecdsa[\s\S]*ssh-ed25519/);
    assert.equal(await hostKeys(), keys, "a boot that failed was repeated with other keys");
  });

  it("formats an empty one, mounts it, and has Docker keep its data there", async () => {
    await machine.execOk("blkdiscard", "--zeroout", DISK);
    const { code } = await boot();
    assert.equal(code, 0, await log());
    assert.equal((await machine.exec("test", "-e", `${STATE}-ready`)).code, 0);
    const found = await machine.execOk("findmnt", "--noheadings", "--output", "FSTYPE", DATA_MOUNT);
    assert.equal(found.trim(), "ext4");
    assert.equal(await machine.docker("info", "--format", "{{.DockerRootDir}}"), DATA_ROOT);
    assert.equal(await machine.execOk("stat", "-c", "%U %a", directory), "deploy 700");
  });

  it("lets the deployer in, with an own host key and not the one everybody could read", async () => {
    const key = await machine.read("/etc/ssh/ssh_host_ed25519_key.pub");
    assert.ok(!key.startsWith(machine.hostKey), "the host key of before is still there");
    machine.trust(key);
    assert.equal((await machine.ssh(["docker", "version"], { user: "deploy" })).code, 0);
    assert.notEqual((await machine.exec("test", "-e", "/var/lib/bluegreen-boot/boot_key")).code, 0);
  });

  it("run again it keeps data, keys and containers", async () => {
    await machine.loadImages("redis:8");
    await machine.docker("run", "--detach", "--name", "kept", "--restart", "unless-stopped", "redis:8");
    await machine.docker("exec", "kept", "redis-cli", "set", "answer", "42");
    await machine.docker("exec", "kept", "redis-cli", "save");
    const key = await machine.read("/etc/ssh/ssh_host_ed25519_key.pub");
    assert.equal((await boot()).code, 0, await log());
    assert.equal(await machine.read("/etc/ssh/ssh_host_ed25519_key.pub"), key);
    assert.equal(await machine.docker("exec", "kept", "redis-cli", "get", "answer"), "42");
  });

  it("after a reboot the volume is mounted before Docker starts, and the container is back", async () => {
    await machine.reboot();
    assert.equal(await machine.docker("exec", "kept", "redis-cli", "get", "answer"), "42");
  });

  it("without its volume Docker does not start, rather than empty", async () => {
    await machine.execOk("systemctl", "stop", "docker", "docker.socket");
    // The container goes on without its engine, and holds the disk.
    await machine.execOk("umount", "--lazy", DATA_MOUNT);
    await machine.execOk(
      "sed",
      "--in-place",
      "s/^UUID=[^ ]*/UUID=00000000-0000-0000-0000-000000000000/",
      "/etc/fstab",
    );
    await machine.execOk("systemctl", "daemon-reload");
    assert.notEqual((await machine.exec("systemctl", "start", "docker")).code, 0);
    assert.notEqual((await machine.exec("docker", "version")).code, 0);
  });

  it("a new instance takes the volume over: images and containers come back by themselves", async () => {
    const old = machine;
    await old.removeKeepingVolumes();
    machine = await TestMachine.create("bootagain", {
      volumes: { [VOLUME]: 2048 },
      takesOver: old.container,
    });
    assert.equal((await boot()).code, 0, await log());
    assert.equal(await machine.docker("exec", "kept", "redis-cli", "get", "answer"), "42");
  });
});
