import { readFileSync } from "node:fs";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import { commandLine } from "../quote.ts";

export interface ContactArgs {
  readonly settings: Pick<Ec2Settings, "user" | "authorizedKeys" | "instanceType" | "dataVolumeGb">;
  readonly instanceId: pulumi.Input<string>;
  /** What connections go to. */
  readonly address: pulumi.Input<string>;
  readonly bootPublicKey: pulumi.Input<string>;
  /** OpenSSH's options for every connection to this host, the port among them. */
  readonly options: readonly string[];
  /** The host's name in {@link knownHosts}. */
  readonly alias: string;
  /** As OpenSSH reads it, e.g. `~/.ssh/bluegreen/x.known_hosts`. */
  readonly knownHosts: string;
}

/** From the instance's start to the end of its first boot; a t3.micro took AWS and apt 3 to 6 minutes elsewhere. */
const FIRST_BOOT_SECONDS = 900;

const script = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

/**
 * Waits until the machine has finished its first boot, over a connection that is checked from the first byte on, and takes
 * the key it was born with away from it. Prints the machine's own public key. Runs again for every machine, and whenever
 * what may log in or the size of a disk changes; harmless when there is nothing to do.
 */
export function contact(name: string, args: ContactArgs, opts: pulumi.CustomResourceOptions): local.Command {
  const { settings, alias, knownHosts, options } = args;
  return new local.Command(
    name,
    {
      create: pulumi.all([args.instanceId, args.address]).apply(([instanceId, address]) => {
        // The type and the size are for nobody to read: where one changes, the machine was restarted or has to grow a disk.
        const about = [instanceId, settings.instanceType, `${settings.dataVolumeGb}GB`];
        const words = [
          String(FIRST_BOOT_SECONDS),
          alias,
          knownHosts,
          `${settings.user}@${address}`,
          ...about,
        ];
        return `exec sh -c ${commandLine([script("contact.sh"), "contact", ...words, ...options])}`;
      }),
      stdin: pulumi
        .output(args.bootPublicKey)
        .apply((bootPublicKey) => contactInput(bootPublicKey, settings)),
      logging: local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    opts,
  );
}

/** What `contact.sh` reads: the boot key, who may log in, an empty line, and what runs on the machine. */
export function contactInput(
  bootPublicKey: string,
  { user, authorizedKeys }: Pick<Ec2Settings, "user" | "authorizedKeys">,
): string {
  return `${[bootPublicKey, user, ...authorizedKeys].join("\n")}\n\n${script("settle.sh")}`;
}
