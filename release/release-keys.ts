import type { Color } from "../components/config/schema.ts";
import { originOf } from "../components/slot/origin.ts";
import type { StackRecord } from "../components/slot/record.ts";
import { type Changes, type Plain, type PlainMap, isPlainMap, textOf } from "./config-file.ts";
import { Refusal } from "./outcome.ts";

/**
 * The keys of a stack's config that `bluegreen` writes. All others may differ from what was brought up: settings are carried out
 * by whoever comes next, a release is not.
 */
export const RELEASE_KEYS = ["active", "blue", "green", "canary", "maintenance"] as const;
export type ReleaseKey = (typeof RELEASE_KEYS)[number];

/** A key whose value in the file is not the one that was brought up last; values as a person reads them. */
export interface KeyDifference {
  readonly key: ReleaseKey;
  readonly file: string;
  readonly state: string;
}

/** Where the config's file says something else than what was brought up last; empty where they agree. */
export function keyDifferences(config: PlainMap, record: StackRecord): readonly KeyDifference[] {
  return RELEASE_KEYS.flatMap((key) => {
    const [file, state] = [inFile(key, config), inState(key, record)];
    return file === state ? [] : [{ key, file, state }];
  });
}

/**
 * A command that edits the file would carry out what else stands there, and a failed one would put it back and carry that out.
 * `own` are keys that the command sets itself, whatever they were.
 * @throws Refusal where another key differs, with its value here and there
 */
export function refuseUnfinished(
  { config, stack }: { readonly config: PlainMap; readonly stack: string },
  record: StackRecord,
  own: readonly ReleaseKey[] = [],
): void {
  const differs = keyDifferences(config, record).filter(({ key }) => !own.includes(key));
  if (differs.length === 0) return;
  throw new Refusal(
    `Pulumi.${stack}.yaml says ${differs.map(({ key, file }) => `${key}: ${file}`).join(", ")}, ` +
      `and ${differs.map(({ key, state }) => `${key}: ${state}`).join(", ")} is brought up`,
    `once no command is at work: npx bluegreen rollback --stack ${stack} makes the file say what runs, pulumi up --stack ${stack} carries the file out; ` +
      `npx bluegreen status --stack ${stack} says who left it so`,
  );
}

/**
 * The keys that differ, as they run: a file that says something else was edited, is of another checkout, or a run was cut off.
 * `maintainedBy` is who turned maintenance on, which the record does not know.
 */
export function asItRuns(config: PlainMap, record: StackRecord, maintainedBy?: string): Changes {
  const differs = keyDifferences(config, record);
  return Object.fromEntries(differs.map(({ key }) => [key, valueOf(key, config, record, maintainedBy)]));
}

function valueOf(
  key: ReleaseKey,
  config: PlainMap,
  record: StackRecord,
  maintainedBy: string | undefined,
): Plain | undefined {
  switch (key) {
    case "active":
      return record.live;
    case "canary":
      return record.canary;
    case "maintenance":
      return record.maintenance === undefined
        ? undefined
        : {
            retryAfterSeconds: record.maintenance,
            ...(maintainedBy !== undefined && { by: maintainedBy }),
          };
    case "blue":
    case "green":
      return slotAsItRuns(slotIn(config, key), record.slots[key]);
  }
}

function slotAsItRuns(slot: PlainMap, spec: StackRecord["slots"][Color]): Plain | undefined {
  if (spec === null) return undefined;
  const { release, images } = spec;
  const { migration } = slot;
  return {
    release,
    images: { ...images },
    ...(migration !== undefined && { migration }),
    ...originOf(spec),
  };
}

const RETRY_AFTER_SECONDS = "600";

function inFile(key: ReleaseKey, config: PlainMap): string {
  const value = config[key];
  switch (key) {
    case "active":
      return textOf(value) ?? "nothing";
    case "canary":
      return textOf(value) ?? "0";
    case "maintenance":
      return value === undefined || value === null
        ? "off"
        : `on (${textOf(isPlainMap(value) ? value["retryAfterSeconds"] : value) ?? RETRY_AFTER_SECONDS} s)`;
    case "blue":
    case "green":
      return releaseText(textOf(slotIn(config, key)["release"]));
  }
}

function inState(key: ReleaseKey, { live, canary, maintenance, slots }: StackRecord): string {
  switch (key) {
    case "active":
      return live;
    case "canary":
      return String(canary);
    case "maintenance":
      return maintenance === undefined ? "off" : `on (${maintenance} s)`;
    case "blue":
    case "green":
      return releaseText(slots[key]?.release);
  }
}

const releaseText = (release: string | undefined): string =>
  release === undefined ? "no release" : `release ${release}`;

/** What the config says of a slot; empty where it says nothing. */
export function slotIn(config: PlainMap, color: Color): PlainMap {
  const slot = config[color];
  return isPlainMap(slot) ? slot : {};
}
