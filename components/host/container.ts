import { z } from "zod";

/**
 * Everything a container of this program is made from, as plain data: a release's containers are recorded in this
 * form when the release starts, and made from the record ever after.
 * Strict, because a field that is dropped when the record is read would replace a running container.
 */
export const containerSpec = z.strictObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  user: z.string(),
  envs: z.array(z.string()),
  labels: z.array(z.strictObject({ label: z.string(), value: z.string() })),
  memory: z.int(),
  memorySwap: z.int(),
  restart: z.literal("unless-stopped"),
  init: z.boolean(),
  readOnly: z.literal(true),
  tmpfs: z.record(z.string(), z.string()),
  securityOpts: z.array(z.string()),
  capabilities: z.strictObject({ drops: z.array(z.string()) }),
  logDriver: z.literal("json-file"),
  logOpts: z.record(z.string(), z.string()),
  healthcheck: z.strictObject({
    tests: z.array(z.string()),
    interval: z.string(),
    timeout: z.string(),
    retries: z.int(),
    startPeriod: z.string(),
    startInterval: z.string().optional(),
  }),
  volumes: z.array(
    z.strictObject({
      hostPath: z.string().optional(),
      volumeName: z.string().optional(),
      containerPath: z.string(),
      readOnly: z.boolean(),
    }),
  ),
  networksAdvanced: z.array(z.strictObject({ name: z.string() })),
  ports: z.array(z.strictObject({ internal: z.int(), external: z.int(), ip: z.string() })).optional(),
  wait: z.literal(true),
  waitTimeout: z.int(),
  stopSignal: z.string(),
  stopTimeout: z.int(),
  destroyGraceSeconds: z.int(),
});
export type ContainerSpec = z.infer<typeof containerSpec>;

/** What differs from container to container. */
export interface ContainerNeeds {
  readonly name: string;
  readonly image: string;
  readonly command?: string[];
  /** `uid:gid`; never root. */
  readonly user: string;
  readonly network: string;
  readonly memoryMb: number;
  /** How long the container may take to stop by itself. */
  readonly graceSeconds: number;
  readonly stopSignal: string;
  /** Whether the image's process does not reap its children itself. */
  readonly init: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Paths that may be written to and are forgotten with the container, each with its mount options. */
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly volumes: ContainerSpec["volumes"];
  readonly ports?: ContainerSpec["ports"];
  /** The command that tells whether the container serves. */
  readonly health: readonly string[];
  /** How long a start may take before failed checks count, and before `up` gives up. */
  readonly startSeconds: number;
  /** Whether the engine can probe each second while a container starts (API 1.44, Docker 25). */
  readonly startInterval: boolean;
  /** What starts it: a release, or the stack's first update and hardly anything after. */
  readonly startsWith: "release" | "stack";
}

const HEALTH_RETRIES = 3;
const HEALTH_INTERVAL_SECONDS = 10;
// An engine without startInterval makes its first probe one `interval` after the start: what a release waits for is
// asked often there. Each time costs a tenth of a second of processor, so the rest is not.
const WITHOUT_START_INTERVAL_SECONDS = { release: 3, stack: 5 };

/** Seconds as the engine spells them when it is read back (`1m0s`); another spelling would be a lasting difference. */
export function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

/**
 * The one way containers are made here: health-checked and waited for, bounded in memory (no swap beyond it) and
 * log size, non-root, no new privileges, no capabilities, read-only root, restarted unless stopped by hand.
 */
export function hardened(needs: ContainerNeeds): ContainerSpec {
  const interval = needs.startInterval
    ? HEALTH_INTERVAL_SECONDS
    : WITHOUT_START_INTERVAL_SECONDS[needs.startsWith];
  return {
    name: needs.name,
    image: needs.image,
    ...(needs.command && { command: needs.command }),
    user: needs.user,
    envs: Object.entries(needs.environment)
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
    labels: Object.entries(needs.labels).map(([label, value]) => ({ label, value })),
    memory: needs.memoryMb,
    memorySwap: needs.memoryMb,
    restart: "unless-stopped",
    init: needs.init,
    readOnly: true,
    tmpfs: { ...needs.tmpfs },
    securityOpts: ["no-new-privileges:true"],
    capabilities: { drops: ["ALL"] },
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    healthcheck: {
      tests: [...needs.health],
      interval: duration(interval),
      timeout: duration(3),
      retries: HEALTH_RETRIES,
      startPeriod: duration(needs.startSeconds),
      ...(needs.startInterval && { startInterval: duration(1) }),
    },
    volumes: needs.volumes,
    networksAdvanced: [{ name: needs.network }],
    ...(needs.ports && { ports: needs.ports }),
    wait: true,
    // What fails after the start period is unhealthy after its retries; then there is nothing more to wait for.
    waitTimeout: needs.startSeconds + HEALTH_RETRIES * interval + 5,
    stopSignal: needs.stopSignal,
    stopTimeout: needs.graceSeconds,
    destroyGraceSeconds: needs.graceSeconds,
  };
}
