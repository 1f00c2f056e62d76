import { z } from "zod";
import { kindOf, object, text, wholeNumber } from "./leaves.ts";

export const sshAddress = text(/^[\w:][\w.:-]*$/, "a host name or address");
export const sshPort = wholeNumber(1, 65_535, "a port");
export const sshUser = text(/^[a-z_][\w-]*$/, "a user name");

/** What opens a machine: a key in the deployer's agent, in a file, or in the config, as a secret. */
export const sshKeySchema = z
  .discriminatedUnion(
    "kind",
    [
      object({ kind: z.literal("agent") }),
      object({
        kind: z.literal("file"),
        path: text(/^(~\/|\/)[\w@+=:,./-]+$/, "a path that begins with / or ~/, without spaces"),
      }),
      object({ kind: z.literal("secret"), value: text(/-----BEGIN/, "a private key, whole") }),
    ],
    { error: `${kindOf} "agent", "file" or "secret"` },
  )
  .default({ kind: "agent" });
export type SshKeySettings = z.output<typeof sshKeySchema>;

const HOST_KEY = "a public host key, type and base64, such as ssh-ed25519 AAAA…";

/** The machine's own public key, of any type: a line of its /etc/ssh/ssh_host_*_key.pub. */
export const sshHostKey = text(
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]+=*( .*)?$/,
  HOST_KEY,
).refine(namesItsOwnType, { error: `${HOST_KEY}, whole` });

/** A key begins with the length of its type's name and that name: half a line that was pasted shows here. */
function namesItsOwnType(line: string): boolean {
  const [type = "", base64 = ""] = line.split(" ");
  const bytes = Buffer.from(base64, "base64");
  return bytes.length > 40 && bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString() === type;
}

/** A machine on the way to the host, opened by the host's key. */
export const bastionSchema = object({
  address: sshAddress,
  port: sshPort.default(22),
  user: sshUser,
  hostKey: sshHostKey,
});
