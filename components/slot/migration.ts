import type { ContainerSpec } from "../host/container.ts";
import { commandLine, quote } from "../host/quote.ts";

export interface MigrationStep {
  /** The stack's directory on the host. */
  readonly directory: string;
  /** The throw-away container's name. */
  readonly name: string;
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  /** The release's own container: the migration runs in its image, with its settings and its limits. */
  readonly container: ContainerSpec;
}

// `timeout` ends with 124, or with 137 where it had to kill.
const TIMED_OUT = [124, 137];

/**
 * The script that migrates the database in the new release's image, read by `sh` on the host.
 * Safe to run again after it was cut off: one that a killed run left behind is waited for, its container is removed.
 * Bounded: after `timeoutSeconds` the container is removed and the step fails.
 */
export function renderMigration({
  directory,
  name,
  command,
  timeoutSeconds,
  container,
}: MigrationStep): string {
  const run = commandLine([
    "docker",
    "run",
    "--rm",
    "--name",
    name,
    ...container.labels.flatMap(({ label, value }) => ["--label", `${label}=${value}`]),
    ...container.networksAdvanced.flatMap((network) => ["--network", network.name]),
    "--user",
    container.user,
    "--read-only",
    ...Object.keys(container.tmpfs).flatMap((path) => ["--tmpfs", path]),
    ...container.securityOpts.flatMap((option) => ["--security-opt", option]),
    ...container.capabilities.drops.flatMap((capability) => ["--cap-drop", capability]),
    "--memory",
    `${container.memory}m`,
    "--memory-swap",
    `${container.memorySwap}m`,
    "--init",
    "--no-healthcheck",
    ...container.volumes.flatMap((volume) => [
      "--volume",
      `${volume.hostPath ?? volume.volumeName ?? ""}:${volume.containerPath}${volume.readOnly ? ":ro" : ""}`,
    ]),
    ...container.envs.flatMap((line) => ["--env", line]),
    container.image,
    ...command,
  ]);
  return `set -eu
exec 9>${quote(`${directory}/migration.lock`)}
if ! flock -w ${timeoutSeconds + 60} 9; then
  echo "migration: another one still runs" >&2
  exit 1
fi
remove() { docker rm --force ${quote(name)} >/dev/null 2>&1 9>&- || true; }
remove
trap remove EXIT
trap 'exit 143' INT TERM
status=0
timeout --kill-after=10 ${timeoutSeconds} ${run} 9>&- || status=$?
if ${TIMED_OUT.map((code) => `[ "$status" -eq ${code} ]`).join(" || ")}; then
  echo "migration: no end after ${timeoutSeconds} s; it was stopped, the database is as its last committed step left it" >&2
fi
exit "$status"
`;
}
