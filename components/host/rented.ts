import type * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../config/names.ts";
import { requireAwsRegion } from "../config/region.ts";
import type { Settings } from "../config/schema.ts";
import { CLOUDFLARE_IPV4 } from "../edge/cloudflare-ranges.ts";
import type { Ec2Record } from "./ec2/record.ts";
import type { Reach } from "./reach.ts";
import { hostAlias, sshFiles, sshOptions } from "./reach.ts";
import { writeSshFiles } from "./ssh.ts";

/** A machine that this program makes itself. */
export interface Rented {
  /** How it is reached, where its engine's data is, and what has to be there before: the host's arguments. */
  readonly host: {
    readonly reach: Reach;
    readonly dataRoot: string;
    readonly after: pulumi.Input<pulumi.Resource>;
  };
  readonly publicAddress: pulumi.Output<string>;
  readonly record: pulumi.Output<Ec2Record>;
}

/** Makes the machine of a host that is rented; `undefined` where it exists already. */
export async function rentMachine(
  settings: Settings,
  id: StackId,
  directory: string,
  previous: Ec2Record | undefined,
): Promise<Rented | undefined> {
  const { host } = settings;
  switch (host.kind) {
    case "local":
    case "ssh":
      return undefined;
    case "ec2": {
      // AWS's classes are not loaded where nobody uses them.
      const { Ec2 } = await import("./ec2/ec2.ts");
      const { DATA_ROOT } = await import("./ec2/first-boot.ts");
      const { ec2Access, sshContents } = await import("./ec2/look.ts");
      const access = ec2Access(id, host);
      const machine = new Ec2(hostAlias(id), {
        id,
        region: requireAwsRegion(),
        settings: host,
        previous,
        directory,
        ...publishedTo(settings),
        ssh: {
          options: [...sshOptions(access), "-p", String(access.port)],
          alias: hostAlias(id),
          knownHosts: sshFiles(id).knownHosts,
        },
      });
      // The first contact may have been made from another deployer's machine.
      const after = machine.hostKey.apply(async (hostKey) => {
        await writeSshFiles(id, { ...sshContents(host), hostKey });
        return machine.ready;
      });
      return {
        host: { reach: { kind: "ssh", access, address: machine.address }, dataRoot: DATA_ROOT, after },
        publicAddress: machine.publicAddress,
        record: machine.record,
      };
    }
  }
}

/** Who may ask for pages, and on which port. */
function publishedTo({ host, edge, gateway }: Settings): { visitors: readonly string[]; port: number } {
  const named = host.kind === "ec2" ? (host.visitors ?? []) : [];
  switch (edge.kind) {
    case "cloudflare":
      return { visitors: CLOUDFLARE_IPV4, port: edge.port };
    case "self-signed":
      return { visitors: named, port: edge.port };
    case "none":
      return { visitors: named, port: gateway.port };
  }
}
