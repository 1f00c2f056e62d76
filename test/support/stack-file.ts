import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { holdsSecret, withoutCiphertext } from "../../toolchain/compare/stack-file.ts";

/** A stack file's config as the engine hands it over: this program's keys without their namespace, and all others. */
export interface StackFile {
  readonly config: Readonly<Record<string, string>>;
  readonly otherConfig: Readonly<Record<string, string>>;
  /** This program's keys that hold a secret. */
  readonly secrets: readonly string[];
}

export function readStackFile(stack: string): StackFile {
  const file: unknown = parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8"));
  if (file === null || typeof file !== "object" || !("config" in file)) {
    throw new Error(`Pulumi.${stack}.yaml has no config`);
  }
  const values = Object.entries(file.config ?? {}).map(([key, encrypted]: [string, unknown]) => {
    const value = withoutCiphertext(encrypted);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return { key, text, secret: holdsSecret(encrypted) };
  });
  const prefix = "bluegreen:";
  const own = values.filter(({ key }) => key.startsWith(prefix));
  const others = values.filter(({ key }) => !key.startsWith(prefix));
  return {
    config: Object.fromEntries(own.map(({ key, text }) => [key.slice(prefix.length), text])),
    secrets: own.flatMap(({ key, secret }) => (secret ? [key.slice(prefix.length)] : [])),
    otherConfig: Object.fromEntries(others.map(({ key, text }) => [key, text])),
  };
}
