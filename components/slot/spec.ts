import { createHash } from "node:crypto";
import type { Names } from "../config/names.ts";
import type { Color, Release, Settings } from "../config/schema.ts";
import { databaseUser, secretsFolder } from "../data/application-secrets.ts";
import { hardened } from "../host/container.ts";
import { renderMigration } from "./migration.ts";
import type { SlotSpec } from "./record.ts";

export interface SlotSurroundings {
  readonly settings: Settings;
  readonly names: Names;
  /** The stack's directory on the host. */
  readonly directory: string;
  readonly startInterval: boolean;
  /** The set of application secrets that a release which begins now reads. */
  readonly secretSet: number;
}

/** Where a container finds its secrets, one file each. */
const SECRETS_PATH = "/run/secrets";

/** What a release of `color` that begins now is made from. */
export function beginSlot(color: Color, release: Release, around: SlotSurroundings): SlotSpec {
  const { settings, names, directory, secretSet } = around;
  const { api } = settings;
  const { passwordVersion } = settings.postgres;
  const environment = {
    ...settings.environment,
    COLOR: color,
    RELEASE: release.release,
    DATABASE_HOST: names.postgres,
    DATABASE_PORT: "5432",
    DATABASE_NAME: "app",
    DATABASE_USER: databaseUser(passwordVersion),
    REDIS_HOST: names.redis,
    REDIS_PORT: "6379",
  };
  const volumes = [
    {
      hostPath: `${directory}/secrets/${secretsFolder({ user: api.user, passwordVersion, secretSet })}`,
      containerPath: SECRETS_PATH,
      readOnly: true,
    },
  ];
  const container = hardened({
    name: names.api(color),
    image: release.images.api,
    user: api.user,
    network: names.network,
    memoryMb: settings.memoryMb.api,
    graceSeconds: api.graceSeconds,
    stopSignal: "SIGTERM",
    init: true,
    environment,
    labels: names.labels({ "bluegreen.color": color, "bluegreen.release": release.release }),
    tmpfs: { "/tmp": "" },
    volumes,
    health: api.healthcheck,
    startSeconds: api.startSeconds,
    startInterval: around.startInterval,
  });
  const settingsHash = createHash("sha256").update(JSON.stringify(container)).digest("hex").slice(0, 12);
  return {
    release: release.release,
    images: { api: release.images.api },
    drainSeconds: settings.switch.drainSeconds,
    passwordVersion,
    secretSet,
    migration:
      release.migration === undefined
        ? null
        : renderMigration({ ...release.migration, directory, name: names.migration(color), container }),
    containers: {
      api: {
        ...container,
        // The provider never reads the environment back, so drift there shows only against this hash.
        labels: [...container.labels, { label: "bluegreen.settings", value: settingsHash }],
      },
    },
  };
}
