import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { type Observation, parseLines, parseObservation } from "./observation.ts";
import { type SshTarget, runOverSsh } from "./ssh.ts";

/** What a host says of itself over SSH, in one call. */
export interface Found {
  readonly engine:
    | { readonly kind: "answers"; readonly apiVersion: number }
    | { readonly kind: "missing" | "denied" | "stopped" };
  /** Whether the user can become root; asked only where the host lacks something. */
  readonly root: boolean | undefined;
  readonly memoryMb: number;
  readonly diskFreeMb: number;
  /** How far its clock is from this machine's, in seconds; positive where it is ahead, 0 where nothing shows. */
  readonly clockSkewSeconds: number;
  readonly observation: Observation;
}

const LOOK_TIMEOUT_MS = 60_000;

/**
 * Looks at a host without changing it.
 * @throws RunError that says why it cannot be reached and what to do
 */
export async function lookOverSsh(target: SshTarget, directory: string): Promise<Found> {
  const input = readFileSync(new URL("look.sh", import.meta.url), "utf8");
  const askedMs = Date.now();
  const { code, stdout, stderr } = await runOverSsh(target, ["sh", "-s", "--", directory], {
    input,
    timeoutMs: LOOK_TIMEOUT_MS,
    repeatable: true,
  });
  const found = parseLook(stdout, askedMs, Date.now());
  if (found !== undefined) return found;
  throw new Error(
    `${target.access.user}@${target.address} did not say what it is (exit ${code}): ${stderr.trim() || stdout.trim() || "nothing"}; ` +
      "its login shell must be a POSIX shell that prints nothing of its own",
  );
}

/** Reads what look.sh prints; `undefined` where it did not come to its end. */
export function parseLook(text: string, askedMs: number, answeredMs: number): Found | undefined {
  const lines = parseLines(text);
  const number = (key: string) => Number(lines.get(key) ?? Number.NaN);
  if (!/^end$/m.test(text) || Number.isNaN(number("memoryMb") + number("diskFreeMb") + number("clock")))
    return undefined;
  const engine = lines.get("engine");
  const kind = (["missing", "denied", "stopped"] as const).find((word) => word === engine);
  const root = lines.get("root");
  return {
    engine: kind === undefined ? { kind: "answers", apiVersion: Number(engine) } : { kind },
    root: root === undefined ? undefined : root === "yes",
    memoryMb: number("memoryMb"),
    diskFreeMb: number("diskFreeMb"),
    clockSkewSeconds: skewSeconds(number("clock"), askedMs / 1000, answeredMs / 1000),
    observation: {
      ...parseObservation(text),
      ...(lines.get("scripts") === "missing" && { scripts: "missing" as const }),
      ...(kind !== undefined && { engine: "gone" as const }),
    },
  };
}

/** The host's clock was read at some moment between question and answer, and tells whole seconds. */
function skewSeconds(clock: number, asked: number, answered: number): number {
  if (clock > answered) return Math.round(clock - answered);
  return clock + 1 < asked ? Math.round(clock + 1 - asked) : 0;
}

const LARGEST_SKEW_SECONDS = 5;
/** Less than an image of an application and its layers want. */
const LITTLE_DISK_MB = 1024;

/** With less a container may not even start, and the database may not write. */
const LEAST_DISK_MB = 256;

/**
 * Holds a new release against the disk it needs. A flip needs none: the way back stays open on a full disk.
 * @throws RunError before any resource is declared
 */
export function refuseFullDisk(diskFreeMb: number | undefined): void {
  if (diskFreeMb === undefined || diskFreeMb >= LEAST_DISK_MB) return;
  throw new pulumi.RunError(
    `the host has ${diskFreeMb} MB of disk left, and a new release needs at least ${LEAST_DISK_MB}; nothing was changed\n` +
      "  fix: make room there, for example: docker image prune --force && docker builder prune --force",
  );
}

/** What a person should know of a host, though nothing is refused for it. */
export function warnings({ clockSkewSeconds, diskFreeMb }: Found, address: string): readonly string[] {
  const ahead = clockSkewSeconds > 0 ? "ahead of" : "behind";
  return [
    ...(Math.abs(clockSkewSeconds) > LARGEST_SKEW_SECONDS
      ? [
          `the clock of ${address} is ${Math.abs(clockSkewSeconds)} s ${ahead} this machine's: certificates and times in ` +
            "logs go wrong; look at `timedatectl` there and here",
        ]
      : []),
    ...(diskFreeMb < LITTLE_DISK_MB
      ? [
          `${address} has ${diskFreeMb} MB of disk left, and a release needs room for its image: ` +
            "look at `docker system df` and `df -h` there",
        ]
      : []),
  ];
}
