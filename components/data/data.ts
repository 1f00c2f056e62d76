import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { type DataSurroundings, isProtected, postgresSpec, redisSpec, secretsPlan } from "./specs.ts";

export interface DataArgs extends DataSurroundings {
  readonly host: Host;
  readonly network: docker.Network;
}

/**
 * Postgres and Redis with their volumes and passwords, shared by both colours and touched by no release.
 * The passwords are made on the host and never leave it. Volumes are protected unless the host is a local one.
 */
export class Data extends pulumi.ComponentResource {
  /** The passwords' files; whatever mounts one depends on it. */
  readonly secrets: pulumi.Resource;

  constructor(name: string, args: DataArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:data:Data", name, {}, opts);
    const { host, names, settings } = args;
    const child = { parent: this, provider: host.provider };
    const volumeOptions = { ...child, protect: isProtected(settings.host) };

    this.secrets = host.command(
      `${name}-secrets`,
      {
        words: [host.script("secrets.sh"), host.directory],
        stdin: secretsPlan(settings.api.user),
      },
      { parent: this, dependsOn: host.scripts },
    );
    for (const [volumeName, spec] of [
      [names.postgresVolume, postgresSpec(args)],
      [names.redisVolume, redisSpec(args)],
    ] as const) {
      const volume = new docker.Volume(
        volumeName,
        { name: volumeName, labels: names.labelList() },
        volumeOptions,
      );
      new docker.Container(spec.name, spec, {
        ...child,
        dependsOn: [volume, this.secrets, args.network],
        deleteBeforeReplace: true,
        hooks: host.clearing("container", spec.name),
      });
    }
    this.registerOutputs();
  }
}
