import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import type { StackId } from "../../config/names.ts";
import { Ec2Access } from "./access.ts";
import { Ec2Alarms } from "./alarms.ts";
import { Ec2Backup } from "./backup.ts";
import { contact } from "./contact.ts";
import { Ec2Machine } from "./machine.ts";
import { Ec2Network } from "./network.ts";
import { planMachine } from "./plan.ts";
import type { Ec2Record } from "./record.ts";
import { Ec2Volume } from "./volume.ts";

export interface Ec2Args {
  readonly id: StackId;
  /** The AWS provider's region. */
  readonly region: string;
  readonly settings: Ec2Settings;
  /** What the last run left; `undefined` before the first. */
  readonly previous: Ec2Record | undefined;
  /** The stack's directory on the host. */
  readonly directory: string;
  /** Who may ask for pages, as IPv4 ranges, and on which port. */
  readonly visitors: readonly string[];
  readonly port: number;
  /** How OpenSSH is called for this host, but for the address. */
  readonly ssh: {
    readonly options: readonly string[];
    readonly alias: string;
    readonly knownHosts: string;
  };
}

/**
 * A machine in AWS with all that it needs, from an empty account on: locked down, watched and backed up. Ready when its
 * first boot is over and its host key is its own.
 */
export class Ec2 extends pulumi.ComponentResource {
  /** The public IPv4 address, which outlives the machine. */
  readonly publicAddress: pulumi.Output<string>;
  /** What the deployer's connections go to. */
  readonly address: pulumi.Output<string>;
  /** Whatever talks to the host waits for it. */
  readonly ready: pulumi.Resource;
  /** The machine's own public key, from the first contact on. */
  readonly hostKey: pulumi.Output<string>;
  readonly record: pulumi.Output<Ec2Record>;

  constructor(name: string, args: Ec2Args, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2", name, {}, opts);
    const { id, region, settings } = args;
    const child = { parent: this };
    const plan = planMachine(settings, region, args.previous);

    const network = new Ec2Network(`${name}-network`, { id, network: settings.network }, child);
    const volume = new Ec2Volume(
      `${name}-volume`,
      { id, zone: network.zone, sizeGb: settings.dataVolumeGb },
      child,
    );
    const backup = new Ec2Backup(`${name}-backup`, { id, snapshots: settings.snapshots }, child);
    const access = new Ec2Access(
      `${name}-access`,
      { ...args, access: settings.access, vpcId: network.vpcId, backupBucketArn: backup.bucketArn },
      child,
    );
    const machine = new Ec2Machine(
      `${name}-machine`,
      {
        id,
        region,
        settings,
        plan,
        subnetId: network.subnetId,
        securityGroupId: access.securityGroupId,
        profile: access.profile,
        volumeId: volume.volumeId,
        directory: args.directory,
      },
      child,
    );
    const instanceId = machine.instance.id;
    new Ec2Alarms(`${name}-alarms`, { id, region, settings, instanceId }, child);

    this.publicAddress = machine.publicIp;
    this.address = addressOf(settings.connect, machine);
    const first = contact(
      `${name}-contact`,
      { settings, instanceId, address: this.address, bootPublicKey: machine.bootPublicKey, ...args.ssh },
      { parent: this, dependsOn: [...machine.complete] },
    );
    this.ready = first;
    this.hostKey = first.stdout.apply((key) => key.trim());
    this.record = pulumi
      .all([machine.instance.ami, instanceId, this.address, this.hostKey])
      .apply(([image, instance, address, hostKey]) => ({
        birth: plan.birth,
        image: { source: plan.source, id: image },
        region,
        network: settings.network,
        dataVolumeGb: settings.dataVolumeGb,
        instanceId: instance,
        address,
        hostKey,
      }));
    this.registerOutputs({ address: this.address, publicAddress: this.publicAddress });
  }
}

function addressOf(connect: Ec2Settings["connect"], machine: Ec2Machine): pulumi.Output<string> {
  switch (connect.kind) {
    case "public":
      return machine.publicIp;
    case "private":
    case "bastion":
      return machine.instance.privateIp;
    case "forwarded":
      return pulumi.output(connect.address);
  }
}

/** The port that the deployer's connections go to. */
export function portOf(connect: Ec2Settings["connect"]): number {
  switch (connect.kind) {
    case "public":
    case "private":
    case "bastion":
      return 22;
    case "forwarded":
      return connect.port;
  }
}
