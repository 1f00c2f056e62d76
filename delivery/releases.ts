import { parseDocument } from "yaml";
import type { Deployed } from "./history.ts";

/**
 * The keys of a stack's config that `bluegreen` writes. Whoever else reads the stack's file in git sees these as
 * they were when it was committed; the last update knows better.
 */
export const RELEASE_KEYS = ["active", "blue", "green", "canary", "maintenance"] as const;

/**
 * A stack's file with the releases of the last update in it, and everything else as the file has it: settings come
 * from git, releases from deploys. Comments stay.
 */
export function carryReleases(file: string, { config }: Deployed, project: string): string {
  const document = parseDocument(file);
  for (const key of RELEASE_KEYS.map((one) => `${project}:${one}`)) {
    const value = config[key];
    if (value === undefined) document.deleteIn(["config", key]);
    else document.setIn(["config", key], value);
  }
  return document.toString({ lineWidth: 0 });
}
