import { z } from "zod";
import { ec2HostSchema } from "./ec2-schema.ts";
import { absolutePath, kindOf, object, text, wholeNumber } from "./leaves.ts";
import { bastionSchema, sshAddress, sshHostKey, sshKeySchema, sshPort, sshUser } from "./ssh-schema.ts";

/** The machine with the Docker engine. */
export const hostSchema = z.discriminatedUnion(
  "kind",
  [
    object({
      kind: z.literal("local"),
      /** The Docker engine's socket. */
      engine: text(/^unix:\/\/\/[\w./-]+$/, "unix:// and an absolute path").default(
        "unix:///var/run/docker.sock",
      ),
      /** Where the stack keeps its files; default `~/.local/state/bluegreen/<project>-<stack>`. */
      directory: absolutePath.optional(),
      /** Memory the stack may count on; default: what the machine has. */
      memoryMb: wholeNumber(128, 4_194_304, "megabytes").optional(),
    }),
    object({
      kind: z.literal("ssh"),
      address: sshAddress,
      port: sshPort.default(22),
      /** Root, or somebody who becomes root by `sudo` without a password. */
      user: sshUser,
      key: sshKeySchema,
      hostKey: sshHostKey,
      /** Where the stack keeps its files; default `/var/lib/bluegreen/<project>-<stack>`. */
      directory: absolutePath.optional(),
      /** Memory the stack may count on; default: what the server has. */
      memoryMb: wholeNumber(128, 4_194_304, "megabytes").optional(),
      bastion: bastionSchema.optional(),
    }),
    ec2HostSchema,
  ],
  { error: `${kindOf} "local", "ssh" or "ec2"` },
);

export type HostSettings = z.output<typeof hostSchema>;
export type LocalHostSettings = Extract<HostSettings, { kind: "local" }>;
export type SshHostSettings = Extract<HostSettings, { kind: "ssh" }>;
