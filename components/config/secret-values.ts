import { valueAt } from "./commands.ts";
import { SECRET_KEYS, secretsIn } from "./secret-paths.ts";

/** The secrets themselves that a config holds, read as a whole. */
export function secretValues(values: Readonly<Record<string, unknown>>): readonly string[] {
  return SECRET_KEYS.flatMap((key) => secretsIn(key, values[key]))
    .map((path) => valueAt(values, path))
    .filter((value) => typeof value === "string")
    .filter((value) => value !== "");
}

/** A text as the engine prints it, which shows no secret of the config. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, "[secret]"), text);
}
