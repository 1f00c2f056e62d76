import { createHash } from "node:crypto";
import { originOf } from "./origin.ts";
import type { Names } from "../config/names.ts";
import type { Color, Release, Settings } from "../config/schema.ts";
import { databaseUser, secretsFolder } from "../data/application-secrets.ts";
import { type ContainerNeeds, type ContainerSpec, hardened } from "../host/container.ts";
import { type DataNeeds, beatNeeds } from "./beat.ts";
import { renderMigration } from "./migration.ts";
import { type Part, imageNames } from "./parts.ts";
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
  const { api, web, worker, beat } = settings;
  const make = (part: Part, own: OwnNeeds) => makeContainer(part, own, color, release, around);
  const withData = dataNeeds(color, around);
  const container = make("api", { ...withData, ...api, health: api.healthcheck });
  return {
    release: release.release,
    images: release.images,
    ...originOf(release),
    drainSeconds: settings.switch.drainSeconds,
    passwordVersion: settings.postgres.passwordVersion,
    secretSet,
    migration:
      release.migration === undefined
        ? null
        : renderMigration({
            ...{ color, container, migration: release.migration, release: release.release },
            ...{ name: names.migration, postgres: names.postgres },
          }),
    containers: {
      api: withHash(container),
      ...(web && { web: withHash(make("web", { ...web, health: web.healthcheck })) }),
      ...(worker && {
        worker: withHash(make("worker", { ...withData, ...worker, health: worker.healthcheck })),
      }),
      ...(beat && { beat: withHash(make("beat", beatNeeds(withData, color, beat.command, directory))) }),
    },
    ...(web && { apiPaths: web.apiPaths }),
  };
}

/** What differs between the containers of one slot. */
type OwnNeeds = Pick<ContainerNeeds, "user" | "graceSeconds" | "health" | "startSeconds"> &
  Partial<Pick<ContainerNeeds, "command" | "environment" | "volumes">>;

/** What whoever works with the data is given; a web server is not. */
function dataNeeds(color: Color, { settings, names, directory, secretSet }: SlotSurroundings): DataNeeds {
  const { user } = settings.api;
  const { passwordVersion } = settings.postgres;
  return {
    user,
    environment: {
      DATABASE_HOST: names.postgres,
      DATABASE_PORT: "5432",
      DATABASE_NAME: "app",
      DATABASE_USER: databaseUser(passwordVersion),
      REDIS_HOST: names.redis,
      REDIS_PORT: "6379",
      ...(hasJobs(settings) && { QUEUE: queueOf(color) }),
    },
    volumes: [
      {
        hostPath: `${directory}/secrets/${secretsFolder({ user, passwordVersion, secretSet })}`,
        containerPath: SECRETS_PATH,
        readOnly: true,
      },
    ],
  };
}

function makeContainer(
  part: Part,
  { command, environment, volumes = [], user, health, startSeconds, graceSeconds }: OwnNeeds,
  color: Color,
  release: Release,
  { settings, names, startInterval }: SlotSurroundings,
): ContainerSpec {
  const [image = release.images.api] = imageNames(part).flatMap((name) => release.images[name] ?? []);
  return hardened({
    name: names.part(part, color),
    image,
    ...(command && { command }),
    user,
    network: names.network,
    memoryMb: settings.memoryMb[part],
    graceSeconds,
    stopSignal: "SIGTERM",
    init: true,
    environment: { ...settings.environment, COLOR: color, RELEASE: release.release, ...environment },
    labels: names.labels({ "bluegreen.color": color, "bluegreen.release": release.release }),
    tmpfs: { "/tmp": "" },
    volumes,
    health,
    startSeconds,
    startInterval,
    startsWith: "release",
  });
}

const hasJobs = ({ worker, beat }: Settings) => worker !== undefined || beat !== undefined;

/** A queue for each colour: a job never meets the code of the other one's release. */
const queueOf = (color: Color) => `jobs-${color}`;

/** The provider never reads the environment back, so drift there shows only against this hash. */
function withHash(container: ContainerSpec): ContainerSpec {
  const hash = createHash("sha256").update(JSON.stringify(container)).digest("hex").slice(0, 12);
  return { ...container, labels: [...container.labels, { label: "bluegreen.settings", value: hash }] };
}
