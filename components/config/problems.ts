import { closest } from "fastest-levenshtein";
import type { z } from "zod";

/** One thing that is wrong with a stack's config, and what to type to mend it. */
export interface Problem {
  /** Dotted path below the project's namespace, e.g. `green.images.api`. */
  readonly key: string;
  readonly got: string;
  readonly allowed: string;
  /** A command that can be pasted. */
  readonly fix: string;
}

/** A config with every key set: what the fixes take their values from. */
const EXAMPLE = {
  active: "blue",
  blue: exampleRelease("41"),
  green: exampleRelease("42"),
  canary: 0,
  host: {
    kind: "local",
    engine: "unix:///var/run/docker.sock",
    directory: "/srv/bluegreen",
    memoryMb: 1024,
    address: "203.0.113.10",
    port: 22,
    user: "deploy",
    hostKey: "ssh-ed25519 AAAA…",
    region: "eu-central-1",
    instanceType: "t3.small",
  },
  edge: { kind: "none", zone: "example.com", hostname: "app.example.com" },
  api: {
    port: 8000,
    user: "10001:10001",
    healthcheck: ["CMD", "python", "-c", "…"],
    startSeconds: 30,
    graceSeconds: 20,
  },
  gateway: {
    image: "nginx:1.30",
    address: "127.0.0.1",
    port: 8080,
    bodyLimitMb: 10,
    requestsPerSecond: 100,
    burst: 200,
  },
  switch: {
    smoke: { path: "/health", status: 200, json: { status: "ok" }, timeoutSeconds: 5 },
    bakeSeconds: 5,
    maxErrorRate: 0.01,
    minimumRequests: 20,
    drainSeconds: 30,
  },
  memoryMb: { api: 128, postgres: 192, redis: 64, gateway: 64 },
  postgres: { image: "postgres:18" },
  redis: { image: "redis:8" },
  environment: { LOG_LEVEL: "info" },
};

function exampleRelease(release: string) {
  return {
    release,
    images: { api: "registry/app-api@sha256:…" },
    migration: { command: ["python", "-m", "app.migrate"], timeoutSeconds: 60 },
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at a path; `undefined` where the path leads nowhere. */
function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => {
    if (Array.isArray(value) && typeof step === "number") return value[step];
    return isRecord(value) ? value[String(step)] : undefined;
  }, root);
}

/** How a value reads in a report: JSON, shortened; `nothing` where there is none. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 77)}…` : json;
}

function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i ? "." : ""}${String(step)}`))
    .join("");
}

/** The command that sets `path` to `value` (default: the example's value there). */
export function setCommand(path: readonly PropertyKey[], value?: unknown): string {
  const words = path.filter((step) => typeof step !== "number");
  const wanted = value ?? valueAt(EXAMPLE, words) ?? "VALUE";
  const typed = typeof wanted === "string" ? wanted : JSON.stringify(wanted);
  const flag = path.length > 1 || typeof wanted === "object" ? "--path " : "";
  return `pulumi config set ${flag}'${dotted(path)}' '${typed}'`;
}

/** Every problem that one key's schema found, in the words of a report. */
export function problemsOf(key: string, raw: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.flatMap((issue) => {
    const path = [key, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys(
        valueAt(
          EXAMPLE,
          path.filter((step) => typeof step !== "number"),
        ) ?? {},
      );
      return issue.keys.map((name) => unknownKey([...path, name], known));
    }
    return [
      {
        key: dotted(path),
        got: shown(valueAt(raw, issue.path)),
        allowed: issue.message,
        fix: setCommand(path),
      },
    ];
  });
}

/** A key nobody knows, with the nearest one that somebody does. */
export function unknownKey(path: readonly PropertyKey[], known: readonly string[]): Problem {
  const name = String(path.at(-1));
  const nearest = closest(name, [...known]);
  const flag = path.length > 1 ? "--path " : "";
  return {
    key: dotted(path),
    got: "a key that does not exist",
    allowed: `${known.join(", ")}; the nearest is "${nearest}"`,
    fix: `pulumi config rm ${flag}'${dotted(path)}'`,
  };
}

/** The whole report: one line for what is wrong and one for what to type, whichever stack is selected, for each problem. */
export function renderProblems(problems: readonly Problem[], stack: string): string {
  const head = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map(
    ({ key, got, allowed, fix }) =>
      `  bluegreen:${key}: got ${got}; allowed: ${allowed}\n    fix: ${fix.replaceAll(/pulumi config (set|rm)/g, `pulumi config $1 --stack ${stack}`)}`,
  );
  return [`${head} in this stack's config; nothing was changed.`, ...lines].join("\n");
}
