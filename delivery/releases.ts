import { isMap, parseDocument } from "yaml";

/**
 * The keys of a stack's config that deploys and rollbacks write. Whoever else reads the stack's file in git sees these as
 * they were when it was committed; the last update knows better.
 */
export const RELEASE_KEYS = ["active", "blue", "green", "canary"] as const;

/**
 * A stack's file with the releases of the last update in it, and everything else as the file has it: settings come
 * from git, releases from deploys. Comments stay.
 * @param file the stack's file
 * @param deployed the same stack's config as the last update had it, in the form of `pulumi config refresh`
 */
export function carryReleases(file: string, deployed: string, project: string): string {
  const document = parseDocument(file);
  const config = parseDocument(deployed).get("config");
  if (!isMap(config)) throw new Error("the last update's config has no `config:`");
  for (const key of RELEASE_KEYS.map((one) => `${project}:${one}`)) {
    const value = config.get(key, true);
    if (value === undefined) document.deleteIn(["config", key]);
    else document.setIn(["config", key], value);
  }
  return document.toString({ lineWidth: 0 });
}
