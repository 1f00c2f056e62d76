import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import {
  type MachineOptions,
  type MachinePort,
  type Ports,
  bringDeployer,
  createMachine,
  freePorts,
  machineName,
  makeKey,
  removeDeadMachines,
  removeMachine,
} from "./machine-container.ts";
import { type Options, type Result, docker, run, runOk, until } from "./process.ts";

export type MachineUser = "root" | "deploy";

const SSH_PACKETS = [
  ["INPUT", "--dport"],
  ["OUTPUT", "--sport"],
] as const;

/**
 * A machine to deploy to: from the outside a server with systemd, sshd, sudo, and (unless bare) a Docker engine, with a
 * disk of its own; `toolchain/images/machine` says what it cannot be. Its clock is this machine's: a kernel has but one,
 * so a wrong clock can be shown only to what asks the command `date` (see `setDate`).
 */
export class TestMachine {
  readonly address = "127.0.0.1";
  /** In the outer engine. */
  readonly container: string;
  /** The deployer's private key; `deploy` (with sudo) and `root` let it in. */
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  readonly memoryMb: number;
  readonly #folder: string;
  readonly #bare: boolean;
  readonly #ports: Ports;
  readonly #disks: string;

  private constructor(
    container: string,
    folder: string,
    hostKey: string,
    ports: Ports,
    options: MachineOptions,
  ) {
    this.container = container;
    this.#folder = folder;
    this.keyFile = path.join(folder, "deployer");
    this.hostKey = hostKey;
    this.#ports = ports;
    this.#disks = options.takesOver ?? container;
    this.memoryMb = options.memoryMb ?? 2048;
    this.#bare = options.bare === true;
  }

  /** Made and started; `purpose` is small letters. Returns when sshd and the Docker engine answer, within 60 s. */
  static async create(purpose: string, options: MachineOptions = {}): Promise<TestMachine> {
    await removeDeadMachines();
    const container = machineName(purpose);
    const folder = await mkdtemp(path.join(os.tmpdir(), `${container}-`));
    const hostKey = await makeKey(folder, "host");
    await bringDeployer(folder, options.deployerKey);
    const ports = options.ports ?? (await freePorts());
    const machine = new TestMachine(container, folder, hostKey, ports, options);
    machine.trust(hostKey);
    try {
      await createMachine(container, folder, ports, options);
      await docker("start", container);
      await machine.ready();
    } catch (error) {
      const { output } = await run("docker", ["logs", "--tail", "40", container]);
      const log = await machine
        .exec("journalctl", "--boot", "--no-pager", "--lines=60")
        .catch(() => undefined);
      await machine.remove();
      throw new Error(`the machine ${container} did not start\n${output}${log?.output ?? ""}`, {
        cause: error,
      });
    }
    return machine;
  }

  /** The config of a stack that lives here. */
  hostConfig(user: MachineUser = "deploy"): {
    readonly [key: string]: string | number | { readonly [key: string]: string };
  } {
    return {
      kind: "ssh",
      address: this.address,
      port: this.port(22),
      user,
      hostKey: this.hostKey,
      key: { kind: "file", path: this.keyFile },
      memoryMb: this.memoryMb,
    };
  }

  /** Who the machine is from now on, where its host key was changed on purpose. */
  trust(publicKey: string): void {
    writeFileSync(path.join(this.#folder, "known_hosts"), `machine ${publicKey}\n`);
  }

  /** The port of loopback that leads to one of the machine's. */
  port(inside: MachinePort): number {
    const port = this.#ports.get(inside);
    if (port === undefined) throw new Error(`port ${inside} of the machine is not published`);
    return port;
  }

  /** The machine's own address, as its neighbours on the network see it: every port can be tried there. */
  async networkAddress(): Promise<string> {
    return await docker(
      "inspect",
      "--format",
      "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
      this.container,
    );
  }

  /** Waits until the machine lets the deployer in, and its Docker engine answers. */
  async ready(limitMs = 60_000): Promise<void> {
    await until(`${this.container} lets root in`, async () => (await this.ssh(["true"])).code === 0, limitMs);
    if (this.#bare) return;
    const answers = async (): Promise<boolean> => (await this.ssh(["docker", "version"])).code === 0;
    await until(`the engine of ${this.container} answers`, answers, limitMs);
  }

  /** A command over SSH, its words as they are; host key checked, ends after 60 s. */
  async ssh(
    words: readonly string[],
    { user = "root", ...options }: Options & { readonly user?: MachineUser } = {},
  ): Promise<Result> {
    const known = `UserKnownHostsFile=${path.join(this.#folder, "known_hosts")}`;
    const checked = ["StrictHostKeyChecking=yes", "HostKeyAlias=machine", known];
    const settings = ["BatchMode=yes", "ConnectTimeout=5", "IdentitiesOnly=yes", ...checked];
    const where = ["-p", String(this.port(22)), "-i", this.keyFile, `${user}@${this.address}`];
    const args = settings.flatMap((setting) => ["-o", setting]);
    const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    return await run("ssh", ["-F", "/dev/null", ...args, ...where, "--", quoted], {
      timeoutMs: 300_000,
      ...options,
    });
  }

  /** A command as root, past sshd; whatever its end. */
  async exec(...words: string[]): Promise<Result> {
    return await run("docker", ["exec", this.container, ...words], { timeoutMs: 300_000 });
  }

  /** A command as root, past sshd, that must succeed; what it printed, without the last line end. */
  async execOk(...words: string[]): Promise<string> {
    return (
      await runOk("docker", ["exec", this.container, ...words], { timeoutMs: 300_000 })
    ).stdout.trimEnd();
  }

  /** A command of the machine's own Docker client that must succeed; what it printed. */
  async docker(...words: string[]): Promise<string> {
    return await this.execOk("docker", ...words);
  }

  async read(file: string): Promise<string> {
    return (await runOk("docker", ["exec", this.container, "cat", file])).stdout;
  }

  async write(file: string, text: string): Promise<void> {
    const words = ["exec", "--interactive", this.container, "sh", "-c", 'cat >"$1"', "sh", file];
    await runOk("docker", words, { input: text });
  }

  /** Copies images from the outer engine. */
  async loadImages(...images: string[]): Promise<void> {
    const pipe =
      'machine=$1; shift; docker save "$@" | docker exec --interactive "$machine" docker load --quiet';
    await runOk("sh", ["-c", pipe, "sh", this.container, ...images], { timeoutMs: 300_000 });
  }

  /** `systemctl reboot`, or the power switch; returns when the machine is ready again, with the time that took. */
  async reboot(how: "orderly" | "hard" = "orderly"): Promise<number> {
    const began = performance.now();
    const startedAt = (): Promise<string> =>
      docker("inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", this.container);
    const before = await startedAt();
    switch (how) {
      case "orderly":
        await this.exec("systemctl", "reboot");
        break;
      case "hard":
        await docker("kill", this.container);
        await docker("start", this.container);
        break;
    }
    const again = async (): Promise<boolean> => {
      const now = await startedAt();
      return now.startsWith("true") && now !== before;
    };
    await until(`${this.container} starts again`, again);
    await this.ready();
    return performance.now() - began;
  }

  /** How many SSH connections were let in so far. */
  async logins(): Promise<number> {
    const log = await this.execOk("journalctl", "--unit=ssh", "--output=cat", "--no-pager");
    return (log.match(/Accepted publickey/g) ?? []).length;
  }

  /** Ends every SSH connection there is, in the middle of whatever it does. */
  async cutSsh(): Promise<void> {
    await this.exec("pkill", "-KILL", "-f", "^sshd-(session|auth)");
  }

  /** From now on packets to sshd and from it get lost, those of open connections too: nobody is told. */
  async blockSsh(): Promise<void> {
    for (const [chain, port] of SSH_PACKETS)
      await this.execOk("iptables", "-I", chain, "-p", "tcp", port, "22", "-j", "DROP");
  }

  async unblockSsh(): Promise<void> {
    for (const [chain, port] of SSH_PACKETS)
      await this.execOk("iptables", "-D", chain, "-p", "tcp", port, "22", "-j", "DROP");
  }

  /** Leaves this much of the disk that holds Docker's and the stack's files. */
  async fillDisk(leaveMb = 0): Promise<void> {
    const script =
      'left=$(df --output=avail --block-size=1M /mnt/main | tail -n 1); size=$((left - $1)); [ "$size" -le 0 ] || ' +
      'fallocate --length "${size}M" /mnt/main/full; [ "$1" -gt 0 ] || dd if=/dev/zero of=/mnt/main/full2 bs=64k 2>/dev/null || true';
    await this.execOk("sh", "-c", script, "sh", String(leaveMb));
  }

  async freeDisk(): Promise<void> {
    await this.execOk("rm", "-f", "/mnt/main/full", "/mnt/main/full2");
  }

  /** What `date` says on the machine is off by this much from now on; 0 puts it right. Nothing else sees another time. */
  async setDate(offsetSeconds: number): Promise<void> {
    const shim = "/usr/local/bin/date";
    if (offsetSeconds === 0) {
      await this.execOk("rm", "-f", shim);
      return;
    }
    const now = `@$(($(/usr/bin/date +%s) + ${offsetSeconds}))`;
    const script = `#!/bin/sh\ncase " $* " in\n  *" -d"*|*" --date"*|*" -r"*) exec /usr/bin/date "$@" ;;\nesac\nexec /usr/bin/date --date="${now}" "$@"\n`;
    await this.write(shim, script);
    await this.execOk("chmod", "0755", shim);
  }

  /**
   * Runs a user data script as cloud-init does at the first boot: as root, in a service of its own with a bare
   * environment, from a file, its output in /var/log/cloud-init-output.log.
   */
  async runUserData(script: string): Promise<Result> {
    const file = "/var/lib/cloud/instance/scripts/part-001";
    const log = "/var/log/cloud-init-output.log";
    await this.execOk("install", "-d", "-m", "0700", path.dirname(file));
    await this.execOk("install", "-m", "0700", "/dev/null", file);
    await this.write(file, script);
    const output = [`StandardOutput=append:${log}`, `StandardError=append:${log}`];
    const settings = ["Type=oneshot", ...output].flatMap((setting) => ["--property", setting]);
    // A unit that failed would stay known, and could not be run again.
    const unit = ["systemd-run", "--wait", "--collect", "--unit", "cloud-final"];
    const result = await this.exec(...unit, ...settings, file);
    const text = await this.exec("cat", log);
    return { ...result, output: result.output + text.output };
  }

  /** As by its power button: what runs gets its grace. A machine that is off can be started again, or `replace`d. */
  async powerOff(): Promise<void> {
    await docker("stop", "--time", "100", this.container);
  }

  /** Starts, with this much memory from now on; `ready` says when it is. */
  async powerOn(memoryMb: number): Promise<void> {
    await docker("update", `--memory=${memoryMb}m`, `--memory-swap=${memoryMb * 2}m`, this.container);
    await docker("start", this.container);
  }

  /** Another machine with this one's volumes, at its ports and for its deployer; this one, which is off, is gone. */
  async replace(purpose: string, options: MachineOptions): Promise<TestMachine> {
    const folder = this.#folder;
    await docker("rm", this.container);
    const given = { takesOver: this.#disks, ports: this.#ports, deployerKey: this.keyFile };
    const next = await TestMachine.create(purpose, { ...options, ...given });
    await rm(folder, { recursive: true, force: true });
    return next;
  }

  /** As an instance is replaced: the machine is gone, its volumes are for the one that `takesOver` this `container`. */
  async removeKeepingVolumes(): Promise<void> {
    await docker("rm", "--force", this.container);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Takes everything away, whatever state it is in. */
  async remove(): Promise<void> {
    await removeMachine(this.container, this.#disks);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
