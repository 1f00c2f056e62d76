import { z } from "zod";
import { type Problem, hidden, plainSecret, problemsOf, secretKey, unknownKey } from "./problems.ts";
import { type Settings, keySchemas } from "./schema.ts";
import { secretsIn } from "./secret-paths.ts";

const anyKeys = z.object(keySchemas).partial();
const allKeys = z.object(keySchemas);

export interface Parsed {
  /** Whatever parsed, whether or not another key did not; defaults stand where one did not. */
  readonly settings: z.output<typeof anyKeys>;
  /** The keys that did not parse: nothing can be said of what depends on them. */
  readonly unsound: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

const JSON_LIKE = /^(\{.*\}|\[.*\]|-?\d+(\.\d+)?|true|false)$/s;

/** A config value as the engine hands it over (always text) to what the schema speaks of. */
function decode(text: string): unknown {
  if (!JSON_LIKE.test(text)) return text;
  try {
    return JSON.parse(text, exactly);
  } catch {
    return text;
  }
}

/** Keeps every digit of a whole number that `number` would round, for the report: no schema takes a `bigint`. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source ?? "";
  const rounded = typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source);
  return rounded ? BigInt(source) : value;
}

/**
 * Reads every key of the `bluegreen` namespace; `values` maps key (without namespace) to the engine's text,
 * `secrets` are those that hold a value that was set with --secret. Finds all problems, not only the first one; throws
 * nothing, and shows no value of a key that holds a secret.
 */
export function parseConfig(
  values: Readonly<Record<string, string>>,
  secrets: ReadonlySet<string> = new Set(),
): Parsed {
  const known = Object.keys(keySchemas);
  const problems = Object.keys(values)
    .filter((key) => !known.includes(key))
    .map((key) => (secrets.has(key) ? secretKey(key) : unknownKey([key], known)));

  const sound: Record<string, unknown> = {};
  const unsound = new Set([...secrets].filter((key) => !known.includes(key)));
  for (const [key, schema] of Object.entries(keySchemas)) {
    const text = values[key];
    const raw = text === undefined ? undefined : decode(text);
    const found = keyProblems(key, schema, raw, secrets.has(key));
    problems.push(...found);
    if (found.length > 0) unsound.add(key);
    else if (raw !== undefined) sound[key] = raw;
  }
  return { settings: anyKeys.parse(sound), unsound, problems };
}

function keyProblems(key: string, schema: z.ZodType, raw: unknown, isSecret: boolean): readonly Problem[] {
  const paths = secretsIn(key, raw);
  if (isSecret && paths.length === 0) return [secretKey(key)];
  const result = schema.safeParse(raw);
  const problems = result.success ? [] : problemsOf(key, raw, result.error.issues);
  if (isSecret) return problems.map(hidden);
  return [
    ...problems.map((problem) => (paths.length > 0 ? hidden(problem) : problem)),
    ...paths.map(plainSecret),
  ];
}

/** The settings of a config without problems; to be called only with such. */
export function completeSettings(parsed: Parsed): Settings {
  return allKeys.parse(parsed.settings);
}
