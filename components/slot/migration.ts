import type { ContainerSpec } from "../host/container.ts";
import { commandLine, quote } from "../host/quote.ts";

export interface MigrationStep {
  /** The throw-away container's name. */
  readonly name: string;
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  /** The release's own container: the migration runs in its image, with its settings and its limits. */
  readonly container: ContainerSpec;
}

const TIMED_OUT = 124;

/**
 * The script that migrates the database in the new release's image, read by `sh` on the host.
 * Safe to run again after it was cut off: a container that was left behind is removed first, and the migration's own
 * lock keeps two from running at once. Bounded: after `timeoutSeconds` the container is removed and the step fails.
 */
export function renderMigration({ name, command, timeoutSeconds, container }: MigrationStep): string {
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
remove() { docker rm --force ${quote(name)} >/dev/null 2>&1 || true; }
remove
trap remove EXIT
trap 'exit 143' INT TERM
status=0
timeout ${timeoutSeconds} ${run} || status=$?
if [ "$status" -eq ${TIMED_OUT} ]; then
  echo "migration: no end after ${timeoutSeconds} s; it was stopped, the database is as its last committed step left it" >&2
fi
exit "$status"
`;
}
