import { readFileSync } from "node:fs";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { commandLine } from "./quote.ts";
import { LOST, type Reach, type SshAccess, sshCommand, sshControl, sshInput, sshMaster } from "./reach.ts";

/** Whether the host's Docker engine answers now, or is there only after the preparation. */
export type Engine = "answers" | "comes";

export interface PreparationArgs {
  readonly reach: Reach;
  readonly directory: string;
  /** Where the engine keeps its images, containers and volumes, if not in its own place. */
  readonly dataRoot?: string;
  readonly repairs: { readonly host: number };
}

/** The script that prepares a host, as it stands in this checkout. */
export function prepareScript(): string {
  return readFileSync(new URL("prepare.sh", import.meta.url), "utf8");
}

/** The words that become root first; `sudo` never asks, because nobody is there to answer. */
export function rootWords(user: string, words: readonly string[]): readonly string[] {
  return user === "root" ? words : ["sudo", "-n", ...words];
}

/**
 * Puts onto a host that is reached over SSH what it lacks, whenever the script changes or the engine was found gone;
 * `undefined` for this machine, which its owner prepares.
 */
export function prepareCommand(
  name: string,
  args: PreparationArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command | undefined {
  const { reach } = args;
  switch (reach.kind) {
    case "local":
      return undefined;
    case "ssh":
      return new local.Command(
        name,
        {
          create: pulumi.output(reach.address).apply((address) => prepareText(reach.access, address, args)),
          stdin: sshInput(prepareScript()),
          logging: local.Logging.Stderr,
          addPreviousOutputInEnv: false,
        },
        opts,
      );
  }
}

/**
 * The shell's text that prepares a host. The connection is a fresh one afterwards: only from its next login on is the
 * user in the group that may use Docker.
 */
export function prepareText(
  access: SshAccess,
  address: string,
  { directory, dataRoot, repairs }: Omit<PreparationArgs, "reach">,
): string {
  const root = dataRoot === undefined ? [] : ["--data-root", dataRoot];
  const script = [
    "sh",
    "-s",
    "--",
    "--user",
    access.user,
    "--directory",
    directory,
    ...root,
    `repair=${repairs.host}`,
  ];
  const prepare = sshCommand(access, address, rootWords(access.user, script));
  const renew = [sshControl(access, address, "stop"), sshMaster(access, address)].map(commandLine).join("; ");
  return `${prepare} || exit ${LOST}
{ ${renew}; } </dev/null >/dev/null 2>&1
exit 0`;
}
