import { z } from "zod";
import { type Problem, problemsOf, unknownKey } from "./problems.ts";
import { type Settings, keySchemas } from "./schema.ts";

const anyKeys = z.object(keySchemas).partial();
const allKeys = z.object(keySchemas);

export interface Parsed {
  /** Whatever parsed, whether or not another key did not. */
  readonly settings: z.output<typeof anyKeys>;
  readonly problems: readonly Problem[];
}

const JSON_LIKE = /^(\{.*\}|\[.*\]|-?\d+(\.\d+)?|true|false)$/s;

/** A config value as the engine hands it over (always text) to what the schema speaks of. */
function decode(text: string): unknown {
  if (!JSON_LIKE.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Reads every key of the `bluegreen` namespace; `values` maps key (without namespace) to the engine's text.
 * Finds all problems, not only the first one; throws nothing.
 */
export function parseConfig(values: Readonly<Record<string, string>>): Parsed {
  const known = Object.keys(keySchemas);
  const problems = Object.keys(values)
    .filter((key) => !known.includes(key))
    .map((key) => unknownKey([key], known));

  const sound: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(keySchemas)) {
    const text = values[key];
    const raw = text === undefined ? undefined : decode(text);
    const result = schema.safeParse(raw);
    if (!result.success) problems.push(...problemsOf(key, raw, result.error.issues));
    else if (raw !== undefined) sound[key] = raw;
  }
  return { settings: anyKeys.parse(sound), problems };
}

/** The settings of a config without problems; to be called only with such. */
export function completeSettings(parsed: Parsed): Settings {
  return allKeys.parse(parsed.settings);
}
