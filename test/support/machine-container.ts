import { existsSync } from "node:fs";
import { chmod, copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "./ports.ts";
import { docker, run, runOk } from "./process.ts";

const prefix = "bluegreen-machine-";
const seccomp = fileURLToPath(new URL("../../toolchain/images/machine/seccomp.json", import.meta.url));

/** Ports of the machine that are published; only on loopback. */
const PORTS = [22, 80, 443, 8080] as const;
export type MachinePort = (typeof PORTS)[number];
export type Ports = ReadonlyMap<MachinePort, number>;

export interface MachineOptions {
  /** Without a Docker engine, as a server is bought. Default false. */
  readonly bare?: boolean;
  /** All that runs on the machine together. Default 2048 MB. */
  readonly memoryMb?: number;
  /** Size of the disk that holds `/var/lib/docker` and `/var/lib/bluegreen`. Default 8192 MB. */
  readonly diskMb?: number;
  /**
   * Further disks in MB by their id on AWS (`vol-…`); nothing is on them at first. They are there from the first start
   * on, at `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol…`. `/var/lib/bluegreen` is then left to them.
   */
  readonly volumes?: Readonly<Record<string, number>>;
  /** The machine whose `volumes` this one takes over; it was removed by `removeKeepingVolumes`. */
  readonly takesOver?: string;
  /** Where its ports are published, in the place of another machine's that is gone. Default: free ones. */
  readonly ports?: Ports;
  /** The private key's file of a deployer who has one, `.pub` beside it. Default: a new one. */
  readonly deployerKey?: string;
}

export const machineName = (purpose: string): string => `${prefix}${purpose}-${process.pid}`;

export async function freePorts(): Promise<Ports> {
  const ports = new Map<MachinePort, number>();
  for (const port of PORTS) ports.set(port, await freePort());
  return ports;
}

/** A key pair `<name>` and `<name>.pub` in the folder; gives the public key without its comment. */
export async function makeKey(folder: string, name: string): Promise<string> {
  const file = path.join(folder, name);
  await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  await chmod(file, 0o600);
  return (await readFile(`${file}.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
}

/** The deployer's key pair in the folder: a copy of the one that is given, or a new one. */
export async function bringDeployer(folder: string, given: string | undefined): Promise<void> {
  if (given === undefined) {
    await makeKey(folder, "deployer");
    return;
  }
  for (const end of ["", ".pub"]) await copyFile(given + end, path.join(folder, `deployer${end}`));
}

const each = (flag: string, values: readonly string[]): string[] => values.flatMap((value) => [flag, value]);

/** As much as a virtual machine's kernel may, where --privileged is refused for want of CAP_SYS_RESOURCE. */
const POWERS = [
  ...each("--cap-add", ["ALL"]),
  ...each("--cap-drop", ["SYS_RESOURCE", "SYS_TIME", "SYS_MODULE"]),
  ...each("--security-opt", [`seccomp=${seccomp}`, "apparmor=unconfined", "systempaths=unconfined"]),
  ...each("--device-cgroup-rule", ["a *:* rwm"]),
  ...each("--cgroupns", ["private"]),
  ...each("--tmpfs", ["/run:exec,mode=755", "/run/lock", "/tmp:exec,mode=1777"]),
];

/** Makes a machine's container and gives it the keys `host` and `deployer` of the folder; it is not started. */
export async function createMachine(
  name: string,
  folder: string,
  ports: Ports,
  { bare = false, memoryMb = 2048, diskMb = 8192, volumes = {}, takesOver = name }: MachineOptions,
): Promise<void> {
  const extra = Object.entries(volumes).map(([id, sizeMb]) => `${id}=${sizeMb}`);
  const folders = ["/var/lib/docker", "/var/lib/containerd"];
  if (extra.length === 0) folders.push("/var/lib/bluegreen");
  const settings = [
    `MACHINE_DISK_MB=${diskMb}`,
    `MACHINE_DISK_FOLDERS=${folders.join(" ")}`,
    `MACHINE_VOLUMES=${extra.join(" ")}`,
  ];
  await docker(
    "create",
    ...each("--name", [name]),
    ...each("--hostname", [name]),
    ...POWERS,
    ...each("--volume", [`${takesOver}:/disks`]),
    ...each("--memory", [`${memoryMb}m`]),
    // A reboot ends process 1 with a signal; a machine of a killed test must not come back with the outer engine.
    ...each("--restart", ["on-failure"]),
    ...each("--env", settings),
    ...each(
      "--publish",
      [...ports].map(([inside, outside]) => `127.0.0.1:${outside}:${inside}`),
    ),
    `bluegreen-machine:${bare ? "bare" : "docker"}`,
  );
  const copy = (from: string, to: string): Promise<string> =>
    docker("cp", path.join(folder, from), `${name}:${to}`);
  for (const end of ["", ".pub"]) await copy(`host${end}`, `/etc/ssh/ssh_host_ed25519_key${end}`);
  for (const home of ["/root", "/home/deploy"]) await copy("deployer.pub", `${home}/.ssh/authorized_keys`);
}

export async function removeMachine(name: string, disks = name): Promise<void> {
  await run("docker", ["rm", "--force", "--volumes", name]);
  await run("docker", ["volume", "rm", "--force", disks]);
}

/** Machines are named after their purpose and their test's process: what a killed one left behind is known. */
export async function removeDeadMachines(): Promise<void> {
  const lists = await Promise.all([
    docker("ps", "--all", "--format", "{{.Names}}"),
    docker("volume", "ls", "--format", "{{.Name}}"),
  ]);
  const found = lists.join("\n").matchAll(new RegExp(`^${prefix}[a-z]+-(\\d+)$`, "gm"));
  for (const [name, pid = ""] of found) if (!existsSync(`/proc/${pid}`)) await removeMachine(name);
}
