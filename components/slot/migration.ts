import type { ContainerSpec } from "../host/container.ts";
import { commandLine } from "../host/quote.ts";
import type { Color, Release } from "../config/schema.ts";

export interface MigrationStep {
  readonly color: Color;
  readonly release: string;
  readonly migration: NonNullable<Release["migration"]>;
  /** The throw-away container's name, and the database's. */
  readonly name: string;
  readonly postgres: string;
  /** The release's own container: the migration runs in its image, with its settings and its limits. */
  readonly container: ContainerSpec;
  /** Asked for outside of a release, which is itself not among those that work afterwards unless it is named. */
  readonly byHand?: boolean;
}

/** The plan that migrate.sh reads; `null` where there is nothing to run. */
export function renderMigration(step: MigrationStep): string | null {
  const { color, release, migration, name, postgres, byHand = false } = step;
  if (migration.skip) return null;
  return [
    `color ${color}`,
    `release ${release}`,
    `kind ${migration.kind}`,
    `worksWith ${JSON.stringify(migration.kind === "contract" ? migration.worksWith : [])}`,
    `postgres ${postgres}`,
    `name ${name}`,
    `timeoutSeconds ${migration.timeoutSeconds}`,
    `backup ${migration.backup}`,
    ...(byHand ? ["byHand yes"] : []),
    `run ${commandLine(dockerRun(step))}`,
    "",
  ].join("\n");
}

function dockerRun({ migration, name, container }: MigrationStep): readonly string[] {
  return [
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
    "--env",
    // libpq's own way: whatever tool it is, it waits no longer for a table.
    `PGOPTIONS=${serverOptions(migration)}`,
    container.image,
    ...migration.command,
  ];
}

/** What the server holds the migration's session to, even where nobody is left to end it: each second it looks whether it is still there. */
function serverOptions({ lockTimeoutSeconds, timeoutSeconds }: MigrationStep["migration"]): string {
  return Object.entries({
    lock_timeout: lockTimeoutSeconds * 1000,
    statement_timeout: timeoutSeconds * 1000,
    client_connection_check_interval: 1000,
  })
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}
