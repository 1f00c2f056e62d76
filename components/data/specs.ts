import type { Names } from "../config/names.ts";
import type { HostSettings } from "../config/host-schema.ts";
import type { Settings } from "../config/schema.ts";
import { type ContainerSpec, hardened } from "../host/container.ts";
import { type SecretsOfRelease, databasePassword, secretsFolder, uidOf } from "./application-secrets.ts";
import { postgresMajor, postgresVolumePath } from "./postgres-version.ts";

export interface DataSurroundings {
  readonly settings: Settings;
  readonly names: Names;
  readonly directory: string;
  readonly startInterval: boolean;
}

/** Whether the engine refuses to remove the volumes: everywhere but on a developer's own machine. */
export function isProtected({ kind }: Pick<HostSettings, "kind">): boolean {
  switch (kind) {
    case "local":
      return false;
    case "ssh":
    case "ec2":
      return true;
  }
}

/** The uid of `postgres` and of `redis` in the official images. */
export const DATA_UID = 999;

/** Postgres with its volume, its password from a file, sized for its memory limit. */
export function postgresSpec({ settings, names, directory, startInterval }: DataSurroundings): ContainerSpec {
  const { image } = settings.postgres;
  const memoryMb = settings.memoryMb.postgres;
  return hardened({
    name: names.postgres,
    image,
    // A quarter of the memory for shared buffers is the manual's starting point.
    command: ["postgres", "-c", `shared_buffers=${Math.floor(memoryMb / 4)}MB`, "-c", "max_connections=60"],
    user: `${DATA_UID}:${DATA_UID}`,
    network: names.network,
    memoryMb,
    // A checkpoint of everything in memory to a slow disk; killed earlier, the next start has to recover.
    graceSeconds: 120,
    stopSignal: "SIGINT",
    init: false,
    environment: {
      POSTGRES_DB: "app",
      POSTGRES_USER: "app",
      POSTGRES_PASSWORD_FILE: "/run/secrets/database_password",
    },
    labels: names.labels(),
    tmpfs: { "/tmp": "", "/var/run/postgresql": "" },
    volumes: [
      {
        volumeName: names.postgresVolume,
        containerPath: postgresVolumePath(postgresMajor(image)),
        readOnly: false,
      },
      { hostPath: `${directory}/secrets/postgres`, containerPath: "/run/secrets", readOnly: true },
    ],
    // Over TCP: during its first start the official image answers on the socket before it is ready.
    health: ["CMD", "pg_isready", "--quiet", "--host=127.0.0.1", "--username=app", "--dbname=app"],
    startSeconds: 60,
    startInterval,
    startsWith: "stack",
  });
}

/** Redis that keeps what it is given (append-only file, synced each second) and never evicts: it holds queues too. */
export function redisSpec({ settings, names, directory, startInterval }: DataSurroundings): ContainerSpec {
  const memoryMb = settings.memoryMb.redis;
  return hardened({
    name: names.redis,
    image: settings.redis.image,
    command: [
      "redis-server",
      "--include",
      "/run/secrets/auth.conf",
      "--appendonly",
      "yes",
      "--appendfsync",
      "everysec",
      // The rest of the limit is for rewriting the append-only file, which copies pages that change meanwhile.
      "--maxmemory",
      `${Math.floor(memoryMb * 0.6)}mb`,
      "--maxmemory-policy",
      "noeviction",
    ],
    user: `${DATA_UID}:${DATA_UID}`,
    network: names.network,
    memoryMb,
    graceSeconds: 30,
    stopSignal: "SIGTERM",
    init: false,
    environment: {},
    labels: names.labels(),
    tmpfs: { "/tmp": "" },
    volumes: [
      { volumeName: names.redisVolume, containerPath: "/data", readOnly: false },
      { hostPath: `${directory}/secrets/redis`, containerPath: "/run/secrets", readOnly: true },
    ],
    // The password goes in by standard input: an argument would show in the process list.
    health: [
      "CMD-SHELL",
      `{ printf 'AUTH '; cat /run/secrets/password; printf '\\nPING\\n'; } | redis-cli | grep -q PONG`,
    ],
    startSeconds: 60,
    startInterval,
    startsWith: "stack",
  });
}

/**
 * What `secrets.sh` is told to make and to hand out, for the releases that this run leaves in the slots. The application
 * secrets' own folders come from `secret-set.sh`.
 */
export function secretsPlan(releases: readonly SecretsOfRelease[]): string {
  const versions = [...new Set([1, ...releases.map(({ passwordVersion }) => passwordVersion)])].sort(
    byNumber,
  );
  const plain = releases.filter(({ secretSet }) => secretSet === 0);
  const folders = new Map(plain.map((release) => [secretsFolder(release), release]));
  return [
    ...versions.map((version) => `generate ${databasePassword(version)}`),
    "generate redis_password",
    ...versions.map(
      (version) => `file postgres/${databasePassword(version)} ${DATA_UID} ${databasePassword(version)}`,
    ),
    `file redis/auth.conf ${DATA_UID} redis_password requirepass`,
    `file redis/password ${DATA_UID} redis_password`,
    ...[...folders]
      .sort()
      .flatMap(([folder, { user, passwordVersion }]) => [
        `file ${folder}/database_password ${uidOf(user)} ${databasePassword(passwordVersion)}`,
        `file ${folder}/redis_password ${uidOf(user)} redis_password`,
      ]),
    "",
  ].join("\n");
}

const byNumber = (a: number, b: number) => a - b;
