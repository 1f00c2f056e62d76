import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** A stack file's config as the engine hands it over: this program's keys without their namespace, and all others. */
export interface StackFile {
  readonly config: Readonly<Record<string, string>>;
  readonly otherConfig: Readonly<Record<string, string>>;
}

export function readStackFile(stack: string): StackFile {
  const file: unknown = parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8"));
  if (file === null || typeof file !== "object" || !("config" in file)) {
    throw new Error(`Pulumi.${stack}.yaml has no config`);
  }
  const values = Object.entries(file.config ?? {}).map(([key, value]: [string, unknown]) => ({
    key,
    text: typeof value === "string" ? value : JSON.stringify(value),
  }));
  const prefix = "bluegreen:";
  const own = values.filter(({ key }) => key.startsWith(prefix));
  const others = values.filter(({ key }) => !key.startsWith(prefix));
  return {
    config: Object.fromEntries(own.map(({ key, text }) => [key.slice(prefix.length), text])),
    otherConfig: Object.fromEntries(others.map(({ key, text }) => [key, text])),
  };
}
