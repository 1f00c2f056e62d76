import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type BundleFile, renderBundle } from "../host/bundle.ts";
import type { ContainerSpec } from "../host/container.ts";
import type { Host } from "../host/host.ts";

export interface GatewayArgs {
  readonly host: Host;
  readonly network: docker.Network;
  /** The configuration, as `gatewayFiles` renders it. */
  readonly files: readonly BundleFile[];
  readonly spec: ContainerSpec;
  /** What has to be on the host, or at the edge, before the configuration counts. */
  readonly after: readonly pulumi.Resource[];
  /** Counts how often the configuration was found changed by hand. */
  readonly repairs: number;
}

/**
 * The Nginx container in front of both slots. Which colour is live is not in its configuration: a flip changes nothing
 * here. A changed configuration is tested first, then loaded without losing a request; one that Nginx rejects fails
 * `up` and leaves the old one serving. An edge that is turned on or off replaces the container, and only the new one loads
 * that configuration: the port on the host changes with it.
 */
export class Gateway extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:gateway:Gateway", name, {}, opts);
    const { host, spec } = args;
    const configuration = host.command(
      `${name}-configuration`,
      {
        words: [
          host.script("gateway-apply.sh"),
          host.directory,
          spec.name,
          spec.image,
          `repair=${args.repairs}`,
        ],
        stdin: renderBundle(args.files),
      },
      { parent: this, dependsOn: [host.scripts, ...args.after] },
    );
    new docker.Container(spec.name, spec, {
      parent: this,
      provider: host.provider,
      dependsOn: [configuration, args.network],
      deleteBeforeReplace: true,
      hooks: host.clearing("container", spec.name),
    });
    this.registerOutputs();
  }
}
