import { homedir } from "node:os";
import { join, resolve } from "node:path";

export type Env = Readonly<Record<string, string | undefined>>;

export interface Paths {
  readonly checkout: string;
  /** Built and downloaded things, shared by every checkout of this user. */
  readonly cache: string;
  /** The state of the stacks, and the folders of their containers. */
  readonly state: string;
  readonly logs: string;
  readonly pulumiHome: string;
}

/** Where things lie, after the XDG rules: a value that is not absolute does not count. */
export function pathsOf(env: Env, checkout: string): Paths {
  const home = env["HOME"] ?? homedir();
  const absolute = (value: string | undefined, otherwise: string) =>
    value?.startsWith("/") ? value : join(home, otherwise);
  const cache = join(absolute(env["XDG_CACHE_HOME"], ".cache"), "bluegreen");
  const state = join(absolute(env["XDG_STATE_HOME"], ".local/state"), "bluegreen");
  return {
    checkout,
    cache,
    state,
    logs: join(cache, "logs"),
    pulumiHome: env["PULUMI_HOME"] ?? join(state, "pulumi-home"),
  };
}

export const paths = pathsOf(process.env, resolve(import.meta.dirname, "../.."));

/**
 * A folder as Pulumi's backend. Without the files that hold metadata beside each object: they are made empty and filled
 * then, and after a kill in between the state is there and "failed to load checkpoint: EOF" is all that Pulumi says.
 */
export function folderBackend(folder: string): string {
  return `file://${folder}?metadata=skip`;
}
