import { Volume } from "@pulumi/aws/ebs/volume.js";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../../config/names.ts";
import { commandLine } from "../quote.ts";
import { tagsOf } from "./tags.ts";

export interface Ec2VolumeArgs {
  readonly id: StackId;
  readonly zone: pulumi.Input<string>;
  readonly sizeGb: number;
}

/** The tag by which the snapshots' schedule finds the volume. */
export const SNAPSHOT_TAG = "bluegreen.snapshots";

/**
 * The disk with everything worth keeping: images, containers, databases, the stack's directory. Encrypted; neither a replaced machine
 * nor `pulumi destroy` removes it: the engine refuses while it is protected, and leaves it in AWS when it is not.
 */
export class Ec2Volume extends pulumi.ComponentResource {
  readonly volumeId: pulumi.Output<string>;

  constructor(name: string, { id, zone, sizeGb }: Ec2VolumeArgs, opts: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2Volume", name, {}, opts);
    const volume = new Volume(
      `${name}-disk`,
      {
        availabilityZone: zone,
        size: sizeGb,
        type: "gp3",
        encrypted: true,
        tags: { ...tagsOf(id, "data"), [SNAPSHOT_TAG]: `${id.project}-${id.stack}` },
      },
      { parent: this, protect: true, retainOnDelete: true },
    );
    this.volumeId = volume.id;
    new local.Command(
      `${name}-notice`,
      {
        create: "exec true",
        delete: volume.id.apply((volumeId) => `exec ${commandLine(["echo", farewell(id, volumeId)])}`),
        logging: local.Logging.Stdout,
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    this.registerOutputs({ volumeId: this.volumeId });
  }
}

/** What `pulumi destroy` says of the volume. */
export function farewell({ project, stack }: StackId, volumeId: string): string {
  return (
    `the data volume ${volumeId} of ${project}-${stack} stays in AWS, with its snapshots, and is paid for; ` +
    `once nobody needs it: aws ec2 delete-volume --volume-id ${volumeId}`
  );
}
