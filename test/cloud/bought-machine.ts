import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { TestMachine } from "../support/machine.ts";
import type { MachineOptions } from "../support/machine-container.ts";
import { type ReleaseWithPages, releaseWithPages } from "../support/pages.ts";
import { freePort } from "../support/ports.ts";
import { Running, runOk, until } from "../support/process.ts";
import type { AwsFront } from "./aws-front.ts";
import { REGION } from "./clouds.ts";
import type { Plain } from "./project.ts";

const registryConfig = fileURLToPath(new URL("../../toolchain/images/machine/registry.yml", import.meta.url));
/** A disk that is not yet called as the volume that the program will make. */
const NAMELESS = "vol-00000000000000000";
const DISKS = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_";
const diskOf = (volume: string): string => DISKS + volume.replace("-", "");

/** The images a stack runs, in the machine's registry, by digest. */
export interface Pushed {
  readonly releases: readonly [ReleaseWithPages, ReleaseWithPages];
  readonly nginx: string;
  readonly postgres: string;
  readonly redis: string;
}

/**
 * The machine that AWS would start for an instance: a test machine as it is bought, with an empty disk. The program finds it
 * at a forwarded port; it boots when `boot` finds the instance in moto, with the user data that is kept there.
 */
export class BoughtMachine {
  machine: TestMachine;
  readonly #purpose: string;
  readonly #options: MachineOptions;
  readonly #deployerKey: string;
  readonly #publicKey: string;

  private constructor(
    machine: TestMachine,
    purpose: string,
    options: MachineOptions,
    deployerKey: string,
    publicKey: string,
  ) {
    this.machine = machine;
    this.#purpose = purpose;
    this.#options = options;
    this.#deployerKey = deployerKey;
    this.#publicKey = publicKey;
  }

  /** `deployerKey`: the file of a private key with its `.pub`, which stays where it is whatever happens to machines. */
  static async create(purpose: string, memoryMb: number, deployerKey: string): Promise<BoughtMachine> {
    const options = { bare: true, memoryMb, volumes: { [NAMELESS]: 8192 } };
    const machine = await TestMachine.create(purpose, { ...options, deployerKey });
    const publicKey = (await readFile(`${deployerKey}.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
    return new BoughtMachine(machine, purpose, options, deployerKey, publicKey);
  }

  /** The parts of `bluegreen:host` that say how this machine is reached. */
  get access(): { readonly [key: string]: Plain } {
    return {
      connect: { kind: "forwarded", address: this.machine.address, port: this.machine.port(22) },
      key: { kind: "file", path: this.#deployerKey },
      authorizedKeys: [this.#publicKey],
    };
  }

  /** Gives the machine a registry of its own, with what a stack runs: it stands for any registry on the internet. */
  async fillRegistry(): Promise<Pushed> {
    const install =
      "apt-get -qq update; apt-get install -y --no-install-recommends docker-registry >/dev/null 2>&1";
    await this.machine.execOk("sh", "-c", install);
    await this.machine.write("/etc/docker/registry/config.yml", await readFile(registryConfig, "utf8"));
    await this.machine.execOk("systemctl", "restart", "docker-registry");
    const port = await freePort();
    const tunnel = this.#tunnel(port);
    try {
      await until("the registry answers", () =>
        fetch(`http://127.0.0.1:${port}/v2/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      return {
        releases: [await pushRelease("1", port), await pushRelease("2", port)],
        nginx: await push("nginx:1.30", port),
        postgres: await push("postgres:18", port),
        redis: await push("redis:8", port),
      };
    } finally {
      tunnel.killGroup();
    }
  }

  #tunnel(port: number): Running {
    const checks = [
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "IdentitiesOnly=yes",
      "BatchMode=yes",
    ];
    const options = checks.flatMap((option) => ["-o", option]);
    const where = [
      "-p",
      String(this.machine.port(22)),
      "-i",
      this.#deployerKey,
      `root@${this.machine.address}`,
    ];
    const forward = `127.0.0.1:${port}:127.0.0.1:5000`;
    return new Running("ssh", ["-F", "/dev/null", ...options, "-N", "-L", forward, ...where], {
      timeoutMs: 300_000,
    });
  }

  /**
   * Waits for the instance with this `Name` and its volume, and boots: the disk is there under the volume's id, and the user data is
   * run. What the machine said is in the error when the boot failed. Gives up when `over` says that no instance will come.
   */
  async boot(aws: AwsFront, name: string, over: () => boolean = () => false): Promise<void> {
    const { instance, volume } = await instanceWithVolume(aws, name, over);
    if (volume === undefined) throw new Error(`there is no instance ${name} with its volume`);
    await this.machine.execOk("ln", "-sfn", await this.#disk(), diskOf(volume));
    const result = await this.machine.runUserData(await userDataOf(aws, instance ?? ""));
    const log = await this.machine.exec("cat", "/var/log/bluegreen-first-boot.log");
    if (result.code !== 0)
      throw new Error(`the first boot failed (${result.code}):\n${result.output}\n${log.output}`);
  }

  /**
   * When AWS stops the instance with this `Name`, the machine goes off. Then another one as it is bought has its disk, at the same
   * ports, and boots as the next instance.
   */
  async replace(aws: AwsFront, name: string, over: () => boolean): Promise<void> {
    await this.#off(aws, name, over);
    this.machine = await this.machine.replace(`${this.#purpose}next`, this.#options);
    await this.boot(aws, name, over);
  }

  /** When AWS stops the instance with this `Name`, the machine goes off; started again, it has this much memory. */
  async resize(aws: AwsFront, name: string, memoryMb: number, over: () => boolean): Promise<void> {
    const starts = () => callsOf(aws, "StartInstances");
    const before = starts();
    await this.#off(aws, name, over);
    await until(`the instance ${name} is started`, () => starts() > before || over(), 300_000);
    await this.machine.powerOn(memoryMb);
  }

  /** The call that stops the instance is answered when the machine is off: AWS says "stopped" no earlier either. */
  async #off(aws: AwsFront, name: string, over: () => boolean): Promise<void> {
    const { instance = "" } = await findInstance(aws, name);
    const machine = { off: false };
    aws.beforeStop.set(instance, async () => {
      await this.machine.powerOff();
      machine.off = true;
    });
    await until(`the instance ${name} is stopped`, () => machine.off || over(), 300_000);
    if (!machine.off) throw new Error(`the instance ${name} was not stopped`);
  }

  async #disk(): Promise<string> {
    return await this.machine.execOk("readlink", "-f", diskOf(NAMELESS));
  }

  remove(): Promise<void> {
    return this.machine.remove();
  }
}

async function pushRelease(id: string, port: number): Promise<ReleaseWithPages> {
  const made = await releaseWithPages(id);
  const { api, web } = made.images;
  return { ...made, images: { api: await push(api, port), web: await push(web, port) } };
}

/** Pushes an image of this machine's engine through the tunnel; its name as the machine will ask for it. */
async function push(image: string, port: number): Promise<string> {
  const there = `127.0.0.1:${port}/${image}`;
  await runOk("docker", ["tag", image, there]);
  try {
    const { stdout } = await runOk("docker", ["push", there], { timeoutMs: 300_000 });
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
    if (digest === undefined) throw new Error(`docker push told no digest of ${image}:\n${stdout}`);
    return `127.0.0.1:5000/${image}@${digest}`;
  } finally {
    await runOk("docker", ["rmi", there]);
  }
}

interface Found {
  readonly instance: string | undefined;
  readonly volume: string | undefined;
}

const callsOf = ({ calls }: AwsFront, name: string): number =>
  calls.filter(({ operation }) => operation === name).length;

/** The running instance with its volume, or what there is of it when `over`; asked again whenever a volume was attached. */
async function instanceWithVolume(aws: AwsFront, name: string, over: () => boolean): Promise<Found> {
  let found: Found = { instance: undefined, volume: undefined };
  let seen = -1;
  await until(
    `an instance ${name} with its volume`,
    async () => {
      const attached = callsOf(aws, "AttachVolume");
      if (attached === seen && !over()) return false;
      seen = attached;
      found = await findInstance(aws, name);
      return found.volume !== undefined || over();
    },
    300_000,
  );
  return found;
}

/** The running instance and the data volume that is attached to it. */
export async function findInstance(aws: AwsFront, name: string): Promise<Found> {
  const described = await aws.query("ec2", REGION, "DescribeInstances", {
    "Filter.1.Name": "tag:Name",
    "Filter.1.Value.1": name,
    "Filter.2.Name": "instance-state-name",
    "Filter.2.Value.1": "running",
  });
  const instance = /<instanceId>(i-[0-9a-f]+)<\/instanceId>/.exec(described)?.[1];
  if (instance === undefined) return { instance, volume: undefined };
  const volumes = await aws.query("ec2", REGION, "DescribeVolumes", {
    "Filter.1.Name": "attachment.instance-id",
    "Filter.1.Value.1": instance,
    "Filter.2.Name": "attachment.device",
    "Filter.2.Value.1": "/dev/sdf",
  });
  return { instance, volume: /<volumeId>(vol-[0-9a-f]+)<\/volumeId>/.exec(volumes)?.[1] };
}

async function userDataOf(aws: AwsFront, instance: string): Promise<string> {
  const params = { InstanceId: instance, Attribute: "userData" };
  const xml = await aws.query("ec2", REGION, "DescribeInstanceAttribute", params);
  const value = /<userData>\s*<value>([^<]*)<\/value>/.exec(xml)?.[1];
  if (value === undefined) throw new Error(`the instance ${instance} has no user data:\n${xml}`);
  const bytes = Buffer.from(value, "base64");
  // As cloud-init does with what is compressed.
  return (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString();
}
