import { Eip } from "@pulumi/aws/ec2/eip.js";
import { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import { getParameterOutput } from "@pulumi/aws/ssm/getParameter.js";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import type { StackId } from "../../config/names.ts";
import { NAMESPACE } from "./alarm-specs.ts";
import { encodeUserData, renderFirstBoot } from "./first-boot.ts";
import { bootKey } from "./host-key.ts";
import type { ImageSource, MachinePlan } from "./plan.ts";
import { tagsOf } from "./tags.ts";

export interface Ec2MachineArgs {
  readonly id: StackId;
  readonly region: string;
  readonly settings: Ec2Settings;
  readonly plan: MachinePlan;
  readonly subnetId: pulumi.Input<string>;
  readonly securityGroupId: pulumi.Input<string>;
  readonly profile: pulumi.Input<string>;
  readonly volumeId: pulumi.Input<string>;
  /** The stack's directory on the host. */
  readonly directory: string;
}

/** The name the volume is attached by; the machine finds it by the volume's id. */
const DEVICE = "/dev/sdf";

/**
 * The machine itself, with an address that outlives it. Nothing on it is worth keeping: its disk holds the system, all
 * else is on the data volume, which moves to the machine that takes its place. That one is made when the old one is gone,
 * which was shut down properly first.
 */
export class Ec2Machine extends pulumi.ComponentResource {
  readonly instance: Instance;
  readonly publicIp: pulumi.Output<string>;
  /** The public part of the key the machine was born with. */
  readonly bootPublicKey: pulumi.Output<string>;
  /** The machine with its disk and its address. */
  readonly complete: readonly pulumi.Resource[];

  constructor(name: string, args: Ec2MachineArgs, opts: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2Machine", name, {}, opts);
    const { id, settings, plan } = args;
    const child = { parent: this, deleteBeforeReplace: true };
    const key = bootKey(`${name}-boot-key`, plan.birth, { parent: this });
    this.bootPublicKey = pulumi.unsecret(key.publicKey);
    this.instance = new Instance(
      `${name}-instance`,
      {
        ami: imageId(plan.image, this),
        instanceType: settings.instanceType,
        subnetId: args.subnetId,
        vpcSecurityGroupIds: [args.securityGroupId],
        iamInstanceProfile: args.profile,
        // One hop: containers do not reach the role's credentials.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
          encrypted: true,
          volumeType: "gp3",
          volumeSize: settings.rootVolumeGb,
          deleteOnTermination: true,
          tags: tagsOf(id, "system"),
        },
        userDataBase64: userData(args, key.privateKey),
        userDataReplaceOnChange: true,
        tags: tagsOf(id, "host"),
      },
      { ...child, ignoreChanges: [...plan.ignoreChanges] },
    );
    const attachment = new VolumeAttachment(
      `${name}-data`,
      {
        instanceId: this.instance.id,
        volumeId: args.volumeId,
        deviceName: DEVICE,
        // Databases are stopped before their disk is taken away, not by it.
        stopInstanceBeforeDetaching: true,
      },
      child,
    );
    const eip = new Eip(`${name}-address`, { domain: "vpc", tags: tagsOf(id, "host") }, { parent: this });
    this.publicIp = eip.publicIp;
    const association = new EipAssociation(
      `${name}-addressed`,
      { instanceId: this.instance.id, allocationId: eip.allocationId },
      child,
    );
    this.complete = [this.instance, attachment, association];
    this.registerOutputs({ instanceId: this.instance.id, publicIp: this.publicIp });
  }
}

function imageId(image: ImageSource, parent: pulumi.Resource): pulumi.Input<string> {
  switch (image.kind) {
    case "known":
      return image.id;
    case "ask":
      // The parameter is public; the provider calls every parameter's value a secret.
      return pulumi.unsecret(getParameterOutput({ name: image.parameter }, { parent }).value);
  }
}

function userData(
  { id, region, settings, volumeId, directory }: Ec2MachineArgs,
  privateKey: pulumi.Output<string>,
): pulumi.Output<string> {
  const { user, authorizedKeys } = settings;
  const metrics = { region, namespace: NAMESPACE, stack: `${id.project}-${id.stack}` };
  return pulumi
    .all([volumeId, privateKey])
    .apply(([volume, key]) =>
      encodeUserData(
        renderFirstBoot({ volumeId: volume, user, authorizedKeys, bootKey: key, directory, metrics }),
      ),
    );
}
