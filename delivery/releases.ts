import { isDeepStrictEqual } from "node:util";
import { parse, parseDocument } from "yaml";
import { z } from "zod";
import { COLORS, otherColor } from "../components/config/schema.ts";
import { RELEASE_KEYS } from "../release/release-keys.ts";
import type { Deployed } from "./history.ts";

/** What of a migration belongs to the one release that it was declared for. */
const OWN = new Set(["kind", "worksWith", "skip"]);

/**
 * A stack's file with the releases of the last update in it, and everything else as the file has it: settings come
 * from git, releases from deploys. How a next release migrates (command, times, backup) is such a setting, in the slot that
 * the file calls active; a slot that keeps its release is declared from the stack's record all the same. Comments stay.
 */
export function carryReleases(file: string, { config }: Deployed, project: string): string {
  const document = parseDocument(file);
  const { settings } = nextMigration(document.toJS(), project);
  for (const name of RELEASE_KEYS) {
    const key = `${project}:${name}`;
    const value = name === "blue" || name === "green" ? carriedSlot(config[key], settings) : config[key];
    if (value === undefined) document.deleteIn(["config", key]);
    else document.setIn(["config", key], value);
  }
  return document.toString({ lineWidth: 0 });
}

/**
 * A stack's file with all of the last update in it: what was merged since is carried out by nobody who uses it. The record shows no
 * secret: of a key that holds one the file's value stays, and with it what opens it. One that the file does not have comes from the
 * other file, where the same opens that. Comments stay.
 * @throws Error with the keys of secrets that come from neither
 */
export function carryWhole(file: string, other: string, { config, secrets }: Deployed): string {
  const document = parseDocument(file);
  const { config: own, ...lock } = stackFile.parse(document.toJS());
  const isKept = (key: string) => key in config || secrets.includes(key) || key.startsWith("pulumi:");
  for (const key of Object.keys(own)) if (!isKept(key)) document.deleteIn(["config", key]);
  for (const [key, value] of Object.entries(config)) document.setIn(["config", key], value);
  const lacking = secrets.filter((key) => !(key in own));
  const spare = lacking.length > 0 ? openedBy(lock, other) : {};
  const lost = lacking.filter((key) => !(key in spare));
  if (lost.length > 0) throw new Error(`${lost.join(", ")}: ${LOST}`);
  for (const key of lacking) document.setIn(["config", key], spare[key]);
  return document.toString({ lineWidth: 0 });
}

const LOST =
  "the last update had a secret there, which it does not show, and the stack's file has none; `pulumi config set --secret` sets it, then commit and push that to the stack's branch";

const map = z.record(z.string(), z.unknown());
const stackFile = z.object({
  config: map,
  // What opens the secrets of this file, and of no other.
  secretsprovider: z.string().optional(),
  encryptedkey: z.string().optional(),
  encryptionsalt: z.string().optional(),
});

type Lock = Omit<z.infer<typeof stackFile>, "config">;

/** The config of a stack's file whose secrets are opened by the same; none of another. */
function openedBy(lock: Lock, text: string): Readonly<Record<string, unknown>> {
  const { config, ...its } = stackFile.parse(parse(text));
  return isDeepStrictEqual(lock, its) ? config : {};
}

/** The next release's migration by a stack's parsed file, which has it in the slot that it calls active. */
export interface NextMigration {
  readonly key: string;
  readonly settings: Readonly<Record<string, unknown>> | undefined;
}

export function nextMigration(file: unknown, project: string): NextMigration {
  const config = stackFile.safeParse(file).data?.config ?? {};
  const slot = `${project}:${config[`${project}:active`] === "green" ? "green" : "blue"}`;
  const settings = map.safeParse(map.safeParse(config[slot]).data?.["migration"]).data;
  return { key: `${slot}.migration`, settings };
}

function carriedSlot(deployed: unknown, settings: NextMigration["settings"]): unknown {
  const slot = map.safeParse(deployed).data;
  if (slot === undefined) return deployed;
  const { migration, ...release } = slot;
  if (settings === undefined) return release;
  const own = Object.entries(map.safeParse(migration).data ?? {}).filter(([key]) => OWN.has(key));
  const shared = Object.entries(settings).filter(([key]) => !OWN.has(key));
  return { ...release, migration: Object.fromEntries([...shared, ...own]) };
}

/** What a stack's slots were built from, as far as that is known. */
export interface Commits {
  readonly live: string | undefined;
  /** Of both slots, the live one's first. */
  readonly all: readonly string[];
}

const built = z.object({ commit: z.string().regex(/^[0-9a-f]{7,64}$/) });

export function commitsOf(deployed: Deployed | undefined, project: string): Commits {
  const config = deployed?.config ?? {};
  const live = COLORS.find((color) => color === config[`${project}:active`]) ?? "blue";
  const [first, second] = [live, otherColor(live)].map(
    (color) => built.safeParse(config[`${project}:${color}`]).data?.commit,
  );
  return { live: first, all: [first, second].filter((one) => one !== undefined) };
}
