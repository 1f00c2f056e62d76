import { createHash } from "node:crypto";
import { type Color, COLORS } from "../config/schema.ts";

/** What the host says of a stack, as `observe.sh` prints it; a field is absent where nothing answered. */
export interface Observation {
  /** Present where the Docker engine does not answer to the program. */
  readonly engine?: "gone";
  /** Present where the scripts that look are gone themselves. */
  readonly scripts?: "missing";
  /** Colour and canary of the running gateway, e.g. `green 0`; while maintenance is on the seconds of its Retry-After too. */
  readonly dictionary?: string | undefined;
  /** The same, as it would be after a restart; `missing` where the file is gone. */
  readonly start?: string | undefined;
  /** Hash of the gateway's configuration; `missing` where that is gone. */
  readonly conf?: string | undefined;
  /** What is being watched, and until when (seconds since 1970), e.g. `green 42 1767225600`. */
  readonly watch?: string | undefined;
  /** The releases that a watch took visitors back from, e.g. `42 44`. */
  readonly condemned?: string | undefined;
  /** The last migration that took something away: when, of which release, then the releases that work since. */
  readonly contracted?: string | undefined;
  /** The same of one that was begun; how it ended is not known. */
  readonly contracting?: string | undefined;
  /** Fingerprint of the certificate that the gateway is given; `missing` where there is none. */
  readonly certificate?: string | undefined;
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
  return {
    dictionary: lines.get("dictionary"),
    start: lines.get("start"),
    conf: lines.get("conf"),
    certificate: lines.get("certificate"),
    watch: lines.get("watch"),
    condemned: lines.get("condemned"),
    contracted: lines.get("contracted"),
    contracting: lines.get("contracting"),
  };
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

/** Where visitors go, in the words of `observe.sh`. */
export function stateWords({
  live,
  canary,
  maintenance,
}: {
  readonly live: Color | "none";
  readonly canary: number;
  readonly maintenance?: number | undefined;
}): string {
  return [live, canary, ...(maintenance === undefined ? [] : [maintenance])].join(" ");
}

export interface Repairs {
  /** Of the host itself: its engine was gone. */
  readonly host: number;
  readonly scripts: number;
  readonly switch: number;
  readonly gateway: number;
  readonly certificate: number;
}

/**
 * Counts up where the host is not what the state believes: a run that was killed between the flip and the state
 * write, a configuration changed by hand. The new number makes that one resource run again; nothing else changes.
 * `believed` is what the last run left: the live colour, the canary, maintenance, the hash of the configuration, the certificate.
 */
export function countRepairs(
  repairs: Repairs,
  observed: Observation,
  believed: {
    readonly live: Color;
    readonly canary: number;
    readonly maintenance?: number | undefined;
    readonly conf: string;
    readonly certificate: { readonly fingerprint: string } | null;
  },
): Repairs {
  const strays = (seen: string | undefined, wanted: string) =>
    seen !== undefined && seen !== wanted ? 1 : 0;
  const state = stateWords(believed);
  return {
    host: repairs.host + (observed.engine === "gone" ? 1 : 0),
    scripts: repairs.scripts + (observed.scripts === "missing" ? 1 : 0),
    switch: repairs.switch + Math.max(strays(observed.dictionary, state), strays(observed.start, state)),
    gateway: repairs.gateway + strays(observed.conf, believed.conf),
    certificate:
      repairs.certificate +
      (believed.certificate === null ? 0 : strays(observed.certificate, believed.certificate.fingerprint)),
  };
}
