import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import { instanceType } from "../../config/instance-types.ts";
import type { StackId } from "../../config/names.ts";
import type { HostFound } from "../look.ts";
import { type Reach, type SshAccess, remoteDirectory } from "../reach.ts";
import { type SshFileContents, stopSharing, writeSshFiles } from "../ssh.ts";
import { lookOverSsh, warnings } from "../ssh-look.ts";
import { birthOf } from "./plan.ts";
import type { Ec2Record } from "./record.ts";

/** How OpenSSH is called for a machine in AWS, wherever it will be. */
export function ec2Access(id: StackId, { user, key, connect, generation }: Ec2Settings): SshAccess {
  return {
    id,
    user,
    port: connect.kind === "forwarded" ? connect.port : 22,
    key: key.kind === "file" ? key : { kind: key.kind },
    bastion: connect.kind === "bastion" ? connect : undefined,
    rented: { connect: connect.kind, generation },
  };
}

/** What this deployer's machine has to hold for OpenSSH, but for the host's own key. */
export function sshContents({ key, connect }: Ec2Settings): Omit<SshFileContents, "hostKey"> {
  return {
    bastionKey: connect.kind === "bastion" ? connect.hostKey : undefined,
    privateKey: key.kind === "secret" ? key.value : undefined,
  };
}

/**
 * What is known of a machine in AWS before this run. One that is not there yet, or that this run makes anew, is not
 * looked at: it may be because it no longer answers.
 * @throws RunError when it should answer and does not, with what to do
 */
export async function findRented(
  settings: Ec2Settings,
  region: string,
  id: StackId,
  previous: Ec2Record | undefined,
): Promise<HostFound> {
  const access = ec2Access(id, settings);
  const directory = remoteDirectory(id);
  const { memoryMb } = instanceType(settings.instanceType);
  const stays = previous !== undefined && previous.birth === birthOf(settings, region);
  const changed = await writeSshFiles(id, { ...sshContents(settings), hostKey: previous?.hostKey });
  if (!stays) {
    // Nothing asks it anything: its address is not known before it is there.
    const reach: Reach = { kind: "ssh", access, address: pulumi.output("") };
    // A machine that takes another's place is proven by the switch again.
    const gone = { engine: "gone", dictionary: "gone" } as const;
    return { reach, directory, memoryMb, apiVersion: undefined, observe: () => Promise.resolve(gone) };
  }
  const reach = { kind: "ssh", access, address: previous.address } as const;
  if (changed) await stopSharing(reach);
  const found = await lookOverSsh(reach, directory);
  for (const warning of warnings(found, `the host ${previous.instanceId}`)) await pulumi.log.warn(warning);
  return {
    reach,
    directory,
    memoryMb,
    diskFreeMb: found.diskFreeMb,
    apiVersion: found.engine.kind === "answers" ? found.engine.apiVersion : undefined,
    observe: () => Promise.resolve(found.observation),
  };
}
