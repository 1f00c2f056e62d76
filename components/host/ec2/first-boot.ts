import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { renderBundle } from "../bundle.ts";
import { commandLine } from "../quote.ts";

export interface FirstBoot {
  /** e.g. `vol-0123456789abcdef0` */
  readonly volumeId: string;
  /** Who logs in; may become root. */
  readonly user: string;
  readonly authorizedKeys: readonly string[];
  /** The private host key the machine begins with. */
  readonly bootKey: string;
  /** The stack's directory on the host. */
  readonly directory: string;
  readonly metrics: { readonly region: string; readonly namespace: string; readonly stack: string };
}

/** Where the data volume is mounted; Docker's own files are in `docker` below it. */
export const DATA_MOUNT = "/var/lib/bluegreen";
export const DATA_ROOT = `${DATA_MOUNT}/docker`;

/** On the root disk, for root alone. */
const FOLDER = "/var/lib/bluegreen-boot";
/** AWS's limit on user data, before base64. */
const LARGEST_BYTES = 16_384;

const file = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/**
 * The machine's user data as one shell script: it writes its parts below {@link FOLDER} and runs `first-boot.sh` with what
 * this stack says. The script holds the boot key.
 */
export function renderFirstBoot(boot: FirstBoot): string {
  const { region, namespace, stack } = boot.metrics;
  const parts = renderBundle([
    { path: "prepare.sh", content: file("../prepare.sh"), mode: 0o755 },
    { path: "metrics.sh", content: file("metrics.sh"), mode: 0o755 },
    { path: "first-boot.sh", content: file("first-boot.sh"), mode: 0o755 },
    { path: "boot_key", content: boot.bootKey },
    { path: "authorized_keys", content: `${boot.authorizedKeys.join("\n")}\n` },
  ]);
  const words = ["sh", `${FOLDER}/first-boot.sh`, boot.volumeId, boot.user, boot.directory, DATA_ROOT];
  return `#!/bin/sh
# Made by components/host/ec2/first-boot.ts.
install -d -m 0700 ${FOLDER}
set -- ${FOLDER}
${parts}exec ${commandLine([...words, region, namespace, stack])}
`;
}

/**
 * User data as EC2 takes it: compressed, which cloud-init undoes, and in base64. The same text gives the same bytes on
 * every deployer's system.
 * @throws Error when AWS would not take it
 */
export function encodeUserData(script: string): string {
  const packed = gzipSync(script, { level: 9 });
  // The byte that names the system it was packed on.
  packed[9] = 255;
  if (packed.length > LARGEST_BYTES) {
    throw new Error(`user data: ${packed.length} bytes, compressed; EC2 takes ${LARGEST_BYTES}`);
  }
  return packed.toString("base64");
}
