import type { HostSettings } from "../config/host-schema.ts";
import type { StackId } from "../config/names.ts";
import { ec2Access, sshContents } from "./ec2/look.ts";
import type { Ec2Record } from "./ec2/record.ts";
import { type Reach, sshReach } from "./reach.ts";
import { writeSshFiles } from "./ssh.ts";

/** How a host that is there is reached, without looking at it; `undefined` for a machine in AWS that no `up` has made yet. */
export async function knownReach(
  settings: HostSettings,
  id: StackId,
  rented: Ec2Record | undefined,
): Promise<Reach | undefined> {
  switch (settings.kind) {
    case "local":
      return { kind: "local", engine: settings.engine };
    case "ssh": {
      const { hostKey, bastion, key } = settings;
      const privateKey = key.kind === "secret" ? key.value : undefined;
      await writeSshFiles(id, { hostKey, bastionKey: bastion?.hostKey, privateKey });
      return sshReach(id, settings);
    }
    case "ec2":
      if (rented === undefined) return undefined;
      await writeSshFiles(id, { ...sshContents(settings), hostKey: rented.hostKey });
      return { kind: "ssh", access: ec2Access(id, settings), address: rented.address };
  }
}
