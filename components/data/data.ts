import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import type { SecretsOfRelease } from "./application-secrets.ts";
import { allowLogins } from "./logins.ts";
import { type DataSurroundings, isProtected, postgresSpec, redisSpec, secretsPlan } from "./specs.ts";

export interface DataArgs extends DataSurroundings {
  readonly host: Host;
  readonly network: docker.Network;
  /** What the slots run once this run is over. */
  readonly releases: readonly SecretsOfRelease[];
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
        stdin: secretsPlan(args.releases),
        // Only root can give each container's user its own file.
        asRoot: true,
      },
      { parent: this, dependsOn: host.scripts },
    );
    const containers: docker.Container[] = [];
    for (const [volumeName, spec] of [
      [names.postgresVolume, postgresSpec(args)],
      [names.redisVolume, redisSpec(args)],
    ] as const) {
      const volume = new docker.Volume(
        volumeName,
        { name: volumeName, labels: names.labelList() },
        volumeOptions,
      );
      const options = {
        ...child,
        dependsOn: [volume, this.secrets, args.network],
        deleteBeforeReplace: true,
        hooks: host.clearing("container", spec.name),
      };
      containers.push(new docker.Container(spec.name, spec, options));
    }
    allowLogins(args, { parent: this, dependsOn: [this.secrets, ...containers] });
    this.registerOutputs();
  }
}
