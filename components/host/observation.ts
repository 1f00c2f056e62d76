import { createHash } from "node:crypto";
import { type Color, COLORS } from "../config/schema.ts";

/** What the host says of a stack, as `observe.sh` prints it; a field is absent where the host could not tell. */
export interface Observation {
  readonly dictionary?: Color | "none";
  readonly start?: Color | "none";
  readonly conf?: string;
}

/** Reads `key value` lines; lines it does not know are passed over. */
export function parseLines(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split("\n")
      .map((line) => /^(\S+) (.*)$/.exec(line.trim()))
      .flatMap((match) => (match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]]])),
  );
}

export function parseColor(text: string | undefined): Color | undefined {
  return COLORS.find((color) => color === text);
}

export function parseObservation(text: string): Observation {
  const lines = parseLines(text);
  const colorOrNone = (value: string | undefined) => (value === "none" ? value : parseColor(value));
  const dictionary = colorOrNone(lines.get("dictionary"));
  const start = colorOrNone(lines.get("start"));
  const conf = lines.get("conf");
  return { ...(dictionary && { dictionary }), ...(start && { start }), ...(conf && { conf }) };
}

/** The hash that `observe.sh` prints of a directory that holds exactly these files. */
export function hashFiles(files: readonly { readonly path: string; readonly content: string }[]): string {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const lines = files
    .map(({ path, content }) => ({ path: `./${path}`, hash: sha256(content) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, hash }) => `${hash}  ${path}\n`);
  return sha256(lines.join(""));
}

export interface Repairs {
  readonly switch: number;
  readonly gateway: number;
}

/**
 * Counts up where the host is not what the state believes: a run that was killed between the flip and the state
 * write, a configuration changed by hand. The new number makes that one resource run again; nothing else changes.
 * `believed` is the colour the last run left live, `conf` the hash of the configuration it left.
 */
export function countRepairs(
  repairs: Repairs,
  observed: Observation | undefined,
  believed: { readonly live: Color; readonly conf: string },
): Repairs {
  if (observed === undefined) return repairs;
  const strays = (seen: string | undefined, wanted: string) => seen !== undefined && seen !== wanted;
  const colorStrays = strays(observed.dictionary, believed.live) || strays(observed.start, believed.live);
  // A start file that is gone would bring a restarted gateway up without a colour.
  const startIsGone = observed.conf !== undefined && observed.start === undefined;
  return {
    switch: repairs.switch + (colorStrays || startIsGone ? 1 : 0),
    gateway: repairs.gateway + (strays(observed.conf, believed.conf) ? 1 : 0),
  };
}
