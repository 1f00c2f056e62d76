import type * as pulumi from "@pulumi/pulumi";
import type { Names } from "../config/names.ts";
import type { Settings } from "../config/schema.ts";
import type { Host } from "../host/host.ts";
import type { SecretsOfRelease } from "./application-secrets.ts";

export interface LoginsArgs {
  readonly host: Host;
  readonly settings: Settings;
  readonly names: Names;
  /** What the slots run once this run is over. */
  readonly releases: readonly SecretsOfRelease[];
}

/**
 * Lets each version of the password that a release uses open the database; to be done before that release starts.
 * Nothing as long as the password was never rotated: version 1 is the one that the database was made with.
 */
export function allowLogins(
  args: LoginsArgs,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  return logins("allow", args, opts);
}

/** Closes the database to every other version; to be done once no container uses one any more. */
export function retireLogins(
  args: LoginsArgs,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  return logins("retire", args, opts);
}

function logins(
  verb: "allow" | "retire",
  { host, settings, names, releases }: LoginsArgs,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  if (settings.postgres.passwordVersion === 1) return [];
  const versions = [...new Set(releases.map(({ passwordVersion }) => passwordVersion))].sort((a, b) => a - b);
  const words = [host.script("logins.sh"), verb, names.postgres, ...versions.map(String)];
  return [host.command(`data-logins-${verb}`, { words, stdin: "" }, opts)];
}
