import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** A key pair as OpenSSH writes it. */
export interface KeyPair {
  readonly privateKey: string;
  /** Type and base64, without a comment. */
  readonly publicKey: string;
}

/** An empty folder in memory where there is one, both keys on standard output, nothing left behind. */
const MAKE_KEY = `set -eu
umask 077
folder=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$folder"' EXIT
ssh-keygen -q -t ecdsa -b 256 -N '' -C boot -f "$folder/key" </dev/null
cat "$folder/key.pub" "$folder/key"`;

/**
 * The SSH host key that a machine is born with, so that the first connection to it is a checked one already. It is of
 * another type (ECDSA) than the key the machine makes for itself (Ed25519), so that both hold until the second is known.
 *
 * Whoever may read the instance's user data can read this key: it is worth something from the machine's start to the first
 * contact, which removes it (`settle.sh`). Another `birth` makes another key: none is used for two machines.
 */
export function bootKey(
  name: string,
  birth: string,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<KeyPair> {
  const command = new local.Command(
    name,
    {
      create: MAKE_KEY,
      triggers: [birth],
      logging: local.Logging.None,
      addPreviousOutputInEnv: false,
    },
    { ...opts, additionalSecretOutputs: ["stdout", "stderr"] },
  );
  return pulumi.secret(command.stdout.apply(parseKeyPair));
}

/**
 * @throws Error that shows nothing of it, when the text is no public key line and a private key
 */
export function parseKeyPair(text: string): KeyPair {
  const match =
    /^(\S+ \S+)[^\n]*\n(-----BEGIN OPENSSH PRIVATE KEY-----\n.*-----END OPENSSH PRIVATE KEY-----)\s*$/s.exec(
      text,
    );
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new Error("ssh-keygen did not print a key pair; is OpenSSH's ssh-keygen on this machine's PATH?");
  }
  return { publicKey: match[1], privateKey: `${match[2]}\n` };
}
