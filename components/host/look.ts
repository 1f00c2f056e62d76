import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../config/names.ts";
import type { HostSettings } from "../config/schema.ts";
import type { StackRecord } from "../slot/record.ts";
import { canStartInterval, localDirectory, observeLocal } from "./local.ts";
import { type Repairs, countRepairs } from "./observation.ts";

/** What has to be known of a host before anything is declared. */
export interface HostLook {
  readonly directory: string;
  /** As found at the stack's first `up`: a change would replace every container. */
  readonly startInterval: boolean;
  readonly repairs: Repairs;
}

const NO_REPAIRS: Repairs = { scripts: 0, switch: 0, gateway: 0 };

/**
 * Looks at the host without changing it; takes milliseconds on a local one.
 * @throws Error with what to do when no Docker engine answers, or when the stack's directory is not the one it was
 */
export async function lookAtHost(
  settings: HostSettings,
  id: StackId,
  previous: StackRecord | undefined,
): Promise<HostLook> {
  switch (settings.kind) {
    case "local": {
      const directory = localDirectory(settings, id);
      const canProbeQuickly = await canStartInterval(settings);
      if (previous === undefined) return { directory, startInterval: canProbeQuickly, repairs: NO_REPAIRS };
      if (previous.directory !== directory) {
        throw new pulumi.RunError(
          `this stack keeps its files in ${previous.directory}, and this run would use ${directory} (another HOME, ` +
            "XDG_STATE_HOME or host.directory); nothing was changed\n  fix: pulumi config set --stack " +
            `${id.stack} --path host.directory ${previous.directory}`,
        );
      }
      const repairs = countRepairs(previous.repairs, await observeLocal(directory), previous);
      return { directory, startInterval: previous.startInterval, repairs };
    }
    case "ssh":
    case "ec2":
      throw unsupported(settings);
  }
}

/** A kind of host that config may name already, but nothing runs on yet. */
export function unsupported({ kind }: HostSettings): Error {
  return new Error(`a host of kind "${kind}" comes with the next version; allowed is "local"`);
}
