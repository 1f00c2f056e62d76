import { closest } from "fastest-levenshtein";
import type { z } from "zod";
import {
  type Path,
  dotted,
  exampleAt,
  removeCommand,
  replaceCommand,
  setCommand,
  valueAt,
} from "./commands.ts";

/** One thing that is wrong with a stack's config, and what to type to mend it. */
export interface Problem {
  /** Dotted path below the project's namespace, e.g. `green.images.api`. */
  readonly key: string;
  readonly got: string;
  readonly allowed: string;
  /** Commands that can be pasted. */
  readonly fix: string;
}

/** How a value reads in a report: JSON, shortened; `nothing` where there is none. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return String(value);
  const json = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? Number(part) : part));
  return json.length > 80 ? `${json.slice(0, 77)}…` : json;
}

/** Every problem that one key's schema found, in the words of a report. */
export function problemsOf(key: string, raw: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.flatMap((issue) => {
    const path = [key, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      // The schema's message lists its keys; those of a union are the keys of the kind that was given.
      return issue.keys.map((name) => unknownKey([...path, name], issue.message.split(", ")));
    }
    if (issue.code === "invalid_key") {
      const allowed = issue.issues[0]?.message ?? issue.message;
      return [{ key: dotted(path), got: shown(path.at(-1)), allowed, fix: removeCommand(path) }];
    }
    const value = valueAt(raw, issue.path);
    return [{ key: dotted(path), got: shown(value), allowed: issue.message, fix: fixOf(path, value) }];
  });
}

function fixOf(path: Path, value: unknown): string {
  const unquoted = typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
  const text = String(value);
  const fits = path[0] === "environment" || (path.at(-1) === "release" && /^[\w.]+$/.test(text));
  if (unquoted && fits && path.length > 1) return setCommand(path, text);
  // A list or an object cannot be set below a key that holds something else.
  const inTheWay = value !== undefined && typeof exampleAt(path) === "object";
  return inTheWay ? replaceCommand(path) : setCommand(path);
}

/** A key nobody knows, with the nearest one that somebody does. */
export function unknownKey(path: Path, known: readonly string[]): Problem {
  const nearest = closest(String(path.at(-1)), [...known]);
  return {
    key: dotted(path),
    got: "a key that does not exist",
    allowed: `${known.join(", ")}; the nearest is "${nearest}"`,
    fix: removeCommand(path),
  };
}

/** A key that was set with --secret. It is not used, and its value is shown nowhere. */
export function secretKey(key: string): Problem {
  return {
    key,
    got: "a secret",
    allowed:
      "plain values, but at registry.password, host.key.value, secrets.NAME and the keys of messages (`--secret --path`)",
    fix: removeCommand([key]),
  };
}

/** A secret that stands in the config as plain text. */
export function plainSecret(path: Path): Problem {
  return {
    key: dotted(path),
    got: "a plain value",
    allowed: "a secret: the file is for everybody's eyes",
    fix: setCommand(path),
  };
}

/** The problem without the value: a key that holds a secret shows none. */
export function hidden(problem: Problem): Problem {
  return { ...problem, got: "a value that is not shown, because the key holds a secret" };
}

/** The whole report: one line for what is wrong and one for what to type, whichever stack is selected, for each problem. */
export function renderProblems(problems: readonly Problem[], stack: string): string {
  const head = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map(
    ({ key, got, allowed, fix }) =>
      `  ${key.includes(":") ? key : `bluegreen:${key}`}: got ${got}; allowed: ${allowed}\n    fix: ${fix.replaceAll(/(pulumi (?:config set|config rm|up)|npx bluegreen (?:watch|rollback))\b/g, `$1 --stack ${stack}`)}`,
  );
  return [`${head} in this stack's config; nothing was changed.`, ...lines].join("\n");
}
