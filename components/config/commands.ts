import { secretSource } from "./secret-paths.ts";

const RELEASE = { release: "42", images: { api: "registry/app-api@sha256:…" } };
const IMAGES = {
  ...RELEASE.images,
  web: "registry/app-web@sha256:…",
  worker: "registry/app-worker@sha256:…",
};
const MIGRATION = {
  kind: "expand",
  command: ["python", "-m", "app.migrate"],
  timeoutSeconds: 60,
  lockTimeoutSeconds: 3,
  backup: "dump",
  skip: false,
  worksWith: ["41"],
};
const ORIGIN = { commit: "1a2b3c4d5e6f", by: "Anna" };

/** A config with every key set: what the fixes take their values from. */
const EXAMPLE = {
  active: "blue",
  blue: { ...RELEASE, release: "41", images: IMAGES, migration: MIGRATION, ...ORIGIN },
  green: { ...RELEASE, images: IMAGES, migration: MIGRATION, ...ORIGIN },
  canary: 0,
  maintenance: { retryAfterSeconds: 600, by: "Anna" },
  host: {
    kind: "local",
    engine: "unix:///var/run/docker.sock",
    directory: "/srv/bluegreen",
    memoryMb: 1024,
    address: "203.0.113.10",
    port: 22,
    user: "deploy",
    key: { kind: "agent", path: "~/.ssh/deploy_key" },
    hostKey: "ssh-ed25519 AAAA…",
    bastion: { address: "203.0.113.9", port: 22, user: "deploy", hostKey: "ssh-ed25519 AAAA…" },
    instanceType: "t3.small",
    image: { kind: "channel", channel: "ubuntu-24.04", id: "ami-0123456789abcdef0", architecture: "x86_64" },
    generation: 1,
    network: { kind: "own", cidr: "10.20.0.0/24", zone: "eu-central-1a", id: "subnet-0123456789abcdef0" },
    access: { kind: "ssm", securityGroup: "sg-0123456789abcdef0", cidrs: ["203.0.113.0/24"] },
    connect: {
      kind: "forwarded",
      address: "127.0.0.1",
      port: 2222,
      user: "deploy",
      hostKey: "ssh-ed25519 AAAA…",
    },
    authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEE"],
    visitors: ["0.0.0.0/0"],
    rootVolumeGb: 10,
    dataVolumeGb: 20,
    snapshots: { everyHours: 24, keep: 7 },
    alerts: { mail: "ops@example.com", budgetUsd: 50 },
  },
  edge: {
    kind: "none",
    zone: "example.com",
    zoneId: "0123456789abcdef0123456789abcdef",
    hostname: "app.example.com",
    ownsZone: false,
    requestsPer10Seconds: 2000,
    originAddress: "203.0.113.10",
    port: 443,
    address: "0.0.0.0",
    hsts: "short",
  },
  api: {
    user: "10001:10001",
    healthcheck: ["CMD", "python", "-c", "…"],
    startSeconds: 30,
    graceSeconds: 20,
  },
  web: {
    apiPaths: ["/api"],
    user: "101:101",
    healthcheck: ["CMD", "…"],
    startSeconds: 20,
    graceSeconds: 10,
  },
  worker: {
    command: ["celery", "-A", "app.worker", "worker"],
    healthcheck: ["CMD", "…"],
    startSeconds: 30,
    graceSeconds: 60,
  },
  beat: { command: ["celery", "-A", "app.worker", "beat"] },
  gateway: {
    image: "nginx:1.30",
    address: "127.0.0.1",
    port: 8080,
    bodyLimitMb: 10,
    requestsPerSecond: 100,
    burst: 200,
    maintenancePage: "pages/maintenance.html",
  },
  switch: {
    smoke: [{ path: "/health", status: 200, json: {}, timeoutSeconds: 5 }],
    bakeSeconds: 5,
    maxErrorRate: 0.01,
    minimumRequests: 20,
    drainSeconds: 30,
  },
  watch: {
    maxErrorRate: 0.01,
    worseErrorRate: 0.01,
    maxP99Milliseconds: 2000,
    worseP99Factor: 4,
    minimumRequests: 100,
  },
  retention: 5,
  memoryMb: { api: 128, web: 32, worker: 192, beat: 96, postgres: 192, redis: 64, gateway: 64 },
  postgres: { image: "postgres:18", passwordVersion: 1 },
  redis: { image: "redis:8" },
  registry: { address: "ghcr.io", username: "deploy", password: "…" },
  secrets: { STRIPE_KEY: "…" },
  messages: [
    {
      kind: "slack",
      url: "…",
      routingKey: "…",
      address: "https://events.pagerduty.com",
      server: "smtp.example.com",
      port: 587,
      tls: "starttls",
      login: { username: "deploy", password: "…" },
      from: "deploy@example.com",
      to: ["ops@example.com"],
    },
  ],
  environment: {},
};

/** What an object cannot do without, by its name; one that is not named here has a default for everything. */
const NEEDED = {
  blue: { ...RELEASE, release: "41" },
  green: RELEASE,
  images: RELEASE.images,
  migration: { command: MIGRATION.command },
  host: { kind: "local" },
  key: { kind: "agent" },
  bastion: { address: "203.0.113.9", user: "deploy", hostKey: "ssh-ed25519 AAAA…" },
  edge: { kind: "none" },
  image: { kind: "channel", channel: "ubuntu-24.04" },
  network: { kind: "own", zone: "eu-central-1a" },
  access: { kind: "ssm" },
  connect: { kind: "forwarded" },
  alerts: { mail: "ops@example.com", budgetUsd: 50 },
  smoke: [{ path: "/health" }],
  registry: { address: "ghcr.io", username: "deploy", password: "…" },
  messages: [{ kind: "slack", url: "…" }],
  login: { username: "deploy", password: "…" },
  to: ["ops@example.com"],
};

export type Path = readonly PropertyKey[];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at a path; `undefined` where the path leads nowhere. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (Array.isArray(value) && typeof step === "number") return value[step];
    return isRecord(value) ? value[String(step)] : undefined;
  }, root);
}

/** What to set a path to: the example's leaf or list, or what the object there cannot do without. */
export function exampleAt(path: Path): unknown {
  // Any entry of a list is like the first.
  const like = path.map((step) => (typeof step === "number" ? 0 : step));
  const example = valueAt(EXAMPLE, path) ?? valueAt(EXAMPLE, like) ?? "VALUE";
  if (typeof example !== "object") return example;
  const name = like.findLastIndex((step) => step !== 0);
  return valueAt(NEEDED, like.slice(name)) ?? (Array.isArray(example) ? example : {});
}

/** How a path reads in a report: `switch.smoke[0].path`. */
export function dotted(path: Path): string {
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i ? "." : ""}${String(step)}`))
    .join("");
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** A path as the CLI reads it: a name with a dot or a space stands in brackets. */
function spelled(path: Path): string {
  const plain = path.every((step, i) => i === 0 || typeof step === "number" || /^[\w-]+$/.test(String(step)));
  if (plain) return quoted(dotted(path));
  const [first, ...rest] = path;
  const steps = rest.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return /^[\w-]+$/.test(String(step)) ? `.${String(step)}` : `[${JSON.stringify(String(step))}]`;
  });
  return quoted(`${String(first)}${steps.join("")}`);
}

/** The paths of an object's plain values: the CLI cannot set more at a time below a key, it would store the JSON as text. */
function leaves(path: Path, value: unknown): readonly (readonly [Path, unknown])[] {
  if (Array.isArray(value)) return value.flatMap((entry: unknown, i) => leaves([...path, i], entry));
  if (isRecord(value)) return Object.entries(value).flatMap(([name, v]) => leaves([...path, name], v));
  return [[path, value]];
}

const isNumeral = (text: string) => text !== "" && !Number.isNaN(Number(text));

function setLeaf(path: Path, value: unknown): string {
  const secret = secretSource(path);
  if (secret !== undefined) return `pulumi config set --secret --path ${spelled(path)}${secret}`;
  const text = String(value);
  // Below a key the CLI makes numbers of whole numbers, booleans of true and false, and texts of fractions.
  const nested = path.length > 1;
  const float = nested && typeof value === "number" && !Number.isInteger(value);
  const string = nested && typeof value === "string" && (/^(true|false)$/i.test(value) || isNumeral(value));
  const flags = `${nested ? "--path " : ""}${string ? "--type string " : ""}${float ? "--type float " : ""}`;
  return `pulumi config set ${flags}${spelled(path)} ${text.startsWith("-") ? "-- " : ""}${quoted(text)}`;
}

/** The commands that set `path` to `value` (default: the example's value there), where nothing of another shape is. */
export function setCommand(path: Path, value: unknown = exampleAt(path)): string {
  return leaves(path, value)
    .map(([at, leaf]) => setLeaf(at, leaf))
    .join(" && ");
}

/** The command that removes what is set at a path. */
export function removeCommand(path: Path): string {
  return `pulumi config rm ${path.length > 1 ? "--path " : ""}${spelled(path)}`;
}

/** The commands that put `value` in the place of whatever is set at `path`, of any shape. */
export function replaceCommand(path: Path, value: unknown = exampleAt(path)): string {
  return [removeCommand(path), setCommand(path, value)].filter(Boolean).join(" && ");
}
