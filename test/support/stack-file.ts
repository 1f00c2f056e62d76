import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { carryReleases } from "../../delivery/releases.ts";
import { holdsSecret, withoutCiphertext } from "../../toolchain/compare/stack-file.ts";
import { at } from "./json.ts";

/** A stack file's config as the engine hands it over: this program's keys without their namespace, and all others. */
export interface StackFile {
  readonly config: Readonly<Record<string, string>>;
  readonly otherConfig: Readonly<Record<string, string>>;
  /** This program's keys that hold a secret. */
  readonly secrets: readonly string[];
}

export const stackFileText = (stack: string): string => readFileSync(`Pulumi.${stack}.yaml`, "utf8");

export function readStackFile(stack: string, text = stackFileText(stack)): StackFile {
  const file: unknown = parse(text);
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

type ImageOf = (part: "api" | "web") => string;
const sample =
  (tag: string): ImageOf =>
  (part) =>
    `bluegreen-sample-${part}:${tag}`;
const byDigest: ImageOf = (part) =>
  `registry.example.com/app-${part}@sha256:${(part === "api" ? "1" : "2").padStart(64, "0")}`;
/** The slots that a stack begins with. */
const FIRST = {
  dev: { blue: { release: "1", image: sample("1") }, green: { release: "2", image: sample("2") } },
  staging: { blue: { release: "1", image: byDigest } },
  prod: { blue: { release: "1", image: byDigest } },
} as const;

/**
 * A stack's file at its first releases. Which ones it has by now changes with every deploy, is written into the file by the
 * command line and by carry, and says nothing of what the stack is made of.
 */
export function atFirst(stack: keyof typeof FIRST, text: string): string {
  const hasWeb = at(parse(text), "config", "bluegreen:web") !== undefined;
  const slots = Object.entries(FIRST[stack]).map(([color, { release, image }]) => {
    const images = { api: image("api"), ...(hasWeb && { web: image("web") }) };
    return [`bluegreen:${color}`, { release, images }] as const;
  });
  const config = { "bluegreen:active": "blue", ...Object.fromEntries(slots) };
  return carryReleases(text, { commit: undefined, config, secrets: [] }, "bluegreen");
}
