import { z } from "zod";
import { POSTGRES_IMAGE } from "../data/postgres-version.ts";
import { edgeSchema } from "./edge-schema.ts";
import { hostSchema } from "./host-schema.ts";
import { beatSchema, workerSchema } from "./jobs-schema.ts";
import { messagesSchema } from "./messages-schema.ts";
import { maintenanceSchema } from "./maintenance-schema.ts";
import { passwordVersion, registrySchema, secretsSchema } from "./secrets-schema.ts";
import { webSchema } from "./web-schema.ts";
import {
  decimal,
  image,
  kindOf,
  object,
  oneOf,
  person,
  text,
  urlPath,
  wholeNumber,
  words,
} from "./leaves.ts";

/** The two sides of a stack. One of them is live, the other is the way back. */
export const COLORS = ["blue", "green"] as const;
export type Color = (typeof COLORS)[number];

export function otherColor(color: Color): Color {
  switch (color) {
    case "blue":
      return "green";
    case "green":
      return "blue";
  }
}

const RELEASE_ID = "a release id of 1 to 40 letters, digits, dots, dashes or underscores";
// `pulumi config set --path green.release 42` stores a number: both spellings mean the same id. Of a fraction or a
// long number YAML does not keep every digit (1.10 is 1.1): those must be texts.
const releaseIdError = ({ input }: { readonly input?: unknown }) =>
  ["number", "bigint", "boolean"].includes(typeof input)
    ? `${RELEASE_ID}; write it in quotes, because YAML keeps only whole numbers of up to 15 digits as they are`
    : RELEASE_ID;
const releaseId = z
  .union([z.string(), z.int({ error: releaseIdError })], { error: releaseIdError })
  .transform(String)
  .pipe(text(/^[A-Za-z0-9][\w.-]{0,39}$/, RELEASE_ID));
const migrationParts = {
  /** Run in the new release's image, before anything of it serves. */
  command: words,
  timeoutSeconds: wholeNumber(1, 3600, "seconds").default(60),
  /** How long it may wait for a table (`lock_timeout`): the serving release's queries queue up behind it meanwhile. */
  lockTimeoutSeconds: wholeNumber(1, 600, "seconds").default(3),
  /** What is kept of the database as it was just before, on the host. */
  backup: oneOf("dump", "none").default("dump"),
  /** A way back: what this release needs has been there since it first began. */
  skip: z.boolean({ error: "true or false" }).default(false),
};
/** Expand: the releases before go on working. Contract: only those named do; there is no way back to any other. */
const migration = z.preprocess(
  (value) => (isKindless(value) ? { kind: "expand", ...value } : value),
  z.discriminatedUnion(
    "kind",
    [
      object({ kind: z.literal("expand"), ...migrationParts }),
      object({
        kind: z.literal("contract"),
        ...migrationParts,
        /** The releases that do not need what goes away; the one that is live is to be among them. */
        worksWith: z
          .array(releaseId, { error: "a list of release ids" })
          .min(1, { error: "at least one release id" }),
      }),
    ],
    { error: `${kindOf} "expand" or "contract"` },
  ),
);

/** `kind` may be left out: most migrations only add. */
function isKindless(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !("kind" in value);
}

const release = object({
  release: releaseId,
  images: object({
    api: image,
    /** What worker and beat run in. Default: the API's image. */
    worker: image.optional(),
    /** The web server with the release's pages; needed where the stack has the key `web`. */
    web: image.optional(),
  }),
  migration: migration.optional(),
  /** The commit that the images were built from, for the record. */
  commit: text(/^[0-9a-f]{7,64}$/, "a commit of 7 to 64 hexadecimal digits").optional(),
  /** Who released it, for the record. */
  by: person.optional(),
});

// A bare interpreter (-I -S) asks /health over a socket: about a tenth of what urllib costs each time.
const PYTHON_HEALTHCHECK = [
  "CMD",
  "python",
  "-ISc",
  'import socket,sys;s=socket.create_connection(("127.0.0.1",8000),2);' +
    's.sendall(b"GET /health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n");' +
    'sys.exit(0 if b" 200 " in s.recv(64) else 1)',
] as const;

const smokeCheck = object({
  path: urlPath,
  status: wholeNumber(100, 599, "an HTTP status").default(200),
  json: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], { error: "a text, a number, true or false" }),
      {
        error: "a map of dotted JSON paths to plain values",
      },
    )
    .optional(),
  timeoutSeconds: decimal(0.1, 60, "seconds").default(5),
});

/** One zod schema for each key of the `bluegreen` namespace: a key that does not parse leaves the others checkable. */
export const keySchemas = {
  active: oneOf(...COLORS),
  blue: release.optional(),
  green: release.optional(),
  canary: wholeNumber(0, 100, "percent").default(0),
  maintenance: maintenanceSchema,
  host: hostSchema,
  edge: edgeSchema,
  api: object({
    user: text(/^\d+:\d+$/, "uid:gid in numbers").default("10001:10001"),
    /** The command that tells whether the application serves; run inside the container each few seconds. */
    healthcheck: words.default([...PYTHON_HEALTHCHECK]),
    /** How long a start may take before it counts as failed. */
    startSeconds: wholeNumber(1, 3600, "seconds").default(30),
    /** How long the application may take to finish what is in flight when it is stopped. */
    graceSeconds: wholeNumber(1, 600, "seconds").default(20),
  }).prefault({}),
  web: webSchema,
  worker: workerSchema,
  beat: beatSchema,
  gateway: object({
    image: image.default("nginx:1.30"),
    /** The address the port is published on; an edge with TLS has both for itself. */
    address: text(/^(\d{1,3}\.){3}\d{1,3}$/, "an IPv4 address").default("127.0.0.1"),
    port: wholeNumber(1, 65_535, "a port").default(8080),
    bodyLimitMb: wholeNumber(1, 1024, "megabytes").default(10),
    /** For each visitor address. */
    requestsPerSecond: wholeNumber(1, 1_000_000, "requests a second").default(100),
    /** How many requests above the rate one address may send at once. */
    burst: wholeNumber(0, 1_000_000, "requests").default(200),
    /** A file of the project: the page that visitors see while maintenance is on. Default: the gateway's own. */
    maintenancePage: text(
      /^[^\0\n]{1,200}\.html$/,
      "the path of an HTML file, such as pages/maintenance.html",
    ).optional(),
  }).prefault({}),
  switch: object({
    smoke: z
      .array(smokeCheck, { error: "a list of smoke checks" })
      .min(1, { error: "at least one smoke check" })
      .prefault([{ path: "/" }]),
    /** How long a flip is watched before it counts. */
    bakeSeconds: wholeNumber(0, 600, "seconds").default(5),
    /** Largest share of 5xx answers in the bake window. */
    maxErrorRate: decimal(0, 1, "a share").default(0.01),
    /** The error rate is judged only from so many requests on. */
    minimumRequests: wholeNumber(1, 1_000_000, "requests").default(20),
    /** How long open connections of a slot may go on before the slot's next release replaces it. */
    drainSeconds: wholeNumber(0, 3600, "seconds").default(30),
  }).prefault({}),
  /** What a release is held to that `bluegreen` sent visitors to. */
  watch: object({
    /** How long it is watched after a step or a flip, unless `--hold` says otherwise; 0: not at all after the bake. */
    holdMinutes: wholeNumber(0, 1440, "minutes").default(30),
    /** Largest share of 5xx answers. */
    maxErrorRate: decimal(0, 1, "a share").default(0.01),
    /** How much larger than the other colour's in the same time that share may be. */
    worseErrorRate: decimal(0, 1, "a share").default(0.01),
    /** Longest time that 99 of 100 answers may take; 0: no limit of its own. */
    maxP99Milliseconds: wholeNumber(0, 600_000, "milliseconds").default(0),
    /** How many times the other colour's in the same time that may be; it is known to a power of two. */
    worseP99Factor: wholeNumber(2, 1000, "times").default(4),
    /** Nothing is judged before so many requests, and no p99 before 500. */
    minimumRequests: wholeNumber(1, 1_000_000, "requests").default(100),
  }).prefault({}),
  /** How many of the releases that were live last keep their images on the host; both slots' always stay. */
  retention: wholeNumber(1, 100, "releases").default(5),
  memoryMb: object({
    api: wholeNumber(16, 1_048_576, "megabytes").default(128),
    /** Counted only where the stack has a web server, and so for worker and beat. */
    web: wholeNumber(16, 1_048_576, "megabytes").default(32),
    worker: wholeNumber(16, 1_048_576, "megabytes").default(192),
    beat: wholeNumber(16, 1_048_576, "megabytes").default(96),
    postgres: wholeNumber(64, 1_048_576, "megabytes").default(192),
    redis: wholeNumber(16, 1_048_576, "megabytes").default(64),
    gateway: wholeNumber(16, 1_048_576, "megabytes").default(64),
  }).prefault({}),
  postgres: object({
    image: text(
      POSTGRES_IMAGE,
      "an image whose tag begins with the major version, such as postgres:18",
    ).default("postgres:18"),
    passwordVersion,
  }).prefault({}),
  redis: object({ image: image.default("redis:8") }).prefault({}),
  registry: registrySchema,
  secrets: secretsSchema,
  /** Where the command line tells of releases; each channel's key, address or password is a Pulumi secret. */
  messages: messagesSchema,
  /** Plain settings of the application; a secret has no place here. */
  environment: z
    .record(text(/^[A-Z][A-Z0-9_]*$/, "an upper-case variable name"), z.string({ error: "a text" }), {
      error: "a map of upper-case variable names to texts",
    })
    .default({}),
};

export type Settings = Readonly<z.output<z.ZodObject<typeof keySchemas>>>;
export type Release = NonNullable<Settings["blue"]>;
export type MemorySettings = Settings["memoryMb"];
