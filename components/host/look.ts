import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../config/names.ts";
import type { HostSettings, SshHostSettings } from "../config/host-schema.ts";
import { requireAwsRegion } from "../config/region.ts";
import type { StackRecord } from "../slot/record.ts";
import { findRented } from "./ec2/look.ts";
import {
  START_INTERVAL_API,
  localApiVersion,
  localDirectory,
  localDiskFreeMb,
  localMemoryMb,
  observeLocal,
} from "./local.ts";
import { type Observation, type Repairs, countRepairs } from "./observation.ts";
import type { Engine } from "./preparation.ts";
import { type Reach, remoteDirectory, sshReach } from "./reach.ts";
import { stopSharing, writeSshFiles } from "./ssh.ts";
import { type Found, lookOverSsh, warnings } from "./ssh-look.ts";

/** What has to be known of a host before anything is declared. */
export interface HostLook {
  readonly reach: Reach;
  readonly directory: string;
  /** Memory in MB that the stack may count on. */
  readonly memoryMb: number;
  /** What is left of the disk that a release needs; `undefined` where there is no machine yet. */
  readonly diskFreeMb?: number | undefined;
  readonly engine: Engine;
  /** As found at the stack's first `up`: a change would replace every container. */
  readonly startInterval: boolean;
  readonly repairs: Repairs;
  /** What is said of releases that are, or were, watched; empty before the first `up`. */
  readonly watch: Pick<Observation, "watch" | "condemned">;
  /** What migrations took away; empty before the first `up`. */
  readonly contracts: Pick<Observation, "contracted" | "contracting">;
}

/** What a host of any kind was found to be. */
export interface HostFound extends Pick<HostLook, "reach" | "directory" | "memoryMb" | "diskFreeMb"> {
  /** `undefined` where no engine answers yet. */
  readonly apiVersion: number | undefined;
  /** Called only where there was an `up` before. */
  readonly observe: () => Promise<Observation>;
}

const NO_REPAIRS: Repairs = { host: 0, scripts: 0, switch: 0, gateway: 0, certificate: 0 };

/**
 * Looks at the host without changing it: milliseconds on a local one, one call on one over SSH.
 * @throws Error with what to do when the host or its engine cannot be reached, or when the stack's directory is not the
 * one it was
 */
export async function lookAtHost(
  settings: HostSettings,
  id: StackId,
  previous: StackRecord | undefined,
): Promise<HostLook> {
  switch (settings.kind) {
    case "local": {
      const directory = localDirectory(settings, id);
      return await conclude(id, previous, {
        reach: { kind: "local", engine: settings.engine },
        directory,
        memoryMb: localMemoryMb(settings),
        diskFreeMb: await localDiskFreeMb(directory),
        apiVersion: await localApiVersion(settings),
        observe: () => observeLocal(directory),
      });
    }
    case "ssh":
      return await conclude(id, previous, await findOverSsh(settings, id));
    case "ec2":
      return await conclude(id, previous, await findRented(settings, requireAwsRegion(), id, previous?.ec2));
  }
}

/** What one look says of the next steps, whatever kind of host it was at. */
export async function conclude(
  { stack }: StackId,
  previous: StackRecord | undefined,
  { reach, directory, memoryMb, diskFreeMb, apiVersion, observe }: HostFound,
): Promise<HostLook> {
  const known = {
    reach,
    directory,
    memoryMb,
    diskFreeMb,
    engine: apiVersion === undefined ? "comes" : "answers",
  } as const;
  if (previous === undefined) {
    const startInterval = apiVersion !== undefined && apiVersion >= START_INTERVAL_API;
    return { ...known, startInterval, repairs: NO_REPAIRS, watch: {}, contracts: {} };
  }
  if (previous.directory !== directory) {
    throw new pulumi.RunError(
      `this stack keeps its files in ${previous.directory}, and this run would use ${directory} (another HOME, ` +
        "XDG_STATE_HOME or host.directory); nothing was changed\n  fix: pulumi config set --stack " +
        `${stack} --path host.directory ${previous.directory}`,
    );
  }
  const { watch, condemned, contracted, contracting, ...seen } = await observe();
  const repairs = countRepairs(previous.repairs, seen, previous);
  return {
    ...known,
    ...{ startInterval: previous.startInterval, repairs },
    watch: { watch, condemned },
    contracts: { contracted, contracting },
  };
}

async function findOverSsh(settings: SshHostSettings, id: StackId): Promise<HostFound> {
  const reach = sshReach(id, settings);
  const directory = settings.directory ?? remoteDirectory(id);
  const changed = await writeSshFiles(id, {
    hostKey: settings.hostKey,
    bastionKey: settings.bastion?.hostKey,
    privateKey: settings.key.kind === "secret" ? settings.key.value : undefined,
  });
  // What is open was checked against the host key of before.
  if (changed) await stopSharing(reach);
  const found = await lookOverSsh(reach, directory);
  for (const warning of warnings(found, settings.address)) await pulumi.log.warn(warning);
  if (found.root === false) throw new pulumi.RunError(cannotPrepare(settings, found, id));
  return {
    reach,
    directory,
    memoryMb: settings.memoryMb ?? found.memoryMb,
    diskFreeMb: found.diskFreeMb,
    apiVersion: found.engine.kind === "answers" ? found.engine.apiVersion : undefined,
    observe: () => Promise.resolve(found.observation),
  };
}

function cannotPrepare({ user, address }: SshHostSettings, found: Found, { stack }: StackId): string {
  const lacks = {
    missing: "has no Docker engine yet",
    denied: `does not let ${user} use its Docker engine`,
    stopped: "has a Docker engine that does not answer",
    answers: "is not prepared yet",
  }[found.engine.kind];
  return (
    `${address} ${lacks}, and ${user} cannot become root there without a password to change that; as root there: ` +
    `echo '${user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bluegreen, or name another user: ` +
    `pulumi config set --stack ${stack} --path host.user root`
  );
}
