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

const NO_REPAIRS: Repairs = { switch: 0, gateway: 0 };

/**
 * Looks at the host without changing it; takes milliseconds on a local one.
 * @throws Error with what to do when no Docker engine answers
 */
export async function lookAtHost(
  settings: HostSettings,
  id: StackId,
  previous: StackRecord | undefined,
): Promise<HostLook> {
  switch (settings.kind) {
    case "local": {
      const directory = localDirectory(settings, id);
      const [canProbeQuickly, observed] = await Promise.all([
        canStartInterval(settings),
        observeLocal(directory),
      ]);
      return {
        directory,
        startInterval: previous?.startInterval ?? canProbeQuickly,
        repairs:
          previous === undefined
            ? NO_REPAIRS
            : countRepairs(previous.repairs, observed, { live: previous.live, conf: previous.conf }),
      };
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
