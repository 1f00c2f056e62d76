import type { ApplicationSecrets } from "../config/secrets-schema.ts";

/** What of the secrets one release reads. */
export interface SecretsOfRelease {
  /** The application's `uid:gid`. */
  readonly user: string;
  readonly passwordVersion: number;
  /** The number of its set of application secrets; 0 where it has none. */
  readonly secretSet: number;
}

type Shared = Omit<SecretsOfRelease, "secretSet">;

export function uidOf(user: string): number {
  return Number.parseInt(user, 10);
}

/** The folder of a user and a version of the database's password; `secret-set.sh` counts sets of it up from 1. */
export function setName({ user, passwordVersion }: Shared): string {
  return `api-${uidOf(user)}${passwordVersion > 1 ? `-p${passwordVersion}` : ""}`;
}

/**
 * The folder below `secrets/` that a release reads. One for all that can differ between two releases: a running slot
 * keeps files that it may read, with what it began with.
 */
export function secretsFolder(of: SecretsOfRelease): string {
  return of.secretSet === 0 ? setName(of) : `${setName(of)}-s${of.secretSet}`;
}

/** The role that a version of the password belongs to; `logins.sh` makes it. */
export function databaseUser(passwordVersion: number): string {
  return passwordVersion === 1 ? "app" : `app_${passwordVersion}`;
}

/** The file on the host that holds a version of the password. */
export function databasePassword(passwordVersion: number): string {
  return passwordVersion === 1 ? "database_password" : `database_password_${passwordVersion}`;
}

/** What `secret-set.sh` reads: secret, and never part of a command. */
export function renderValues(secrets: ApplicationSecrets): string {
  const lines = Object.entries(secrets)
    .map(([name, value]) => `${name.toLowerCase()} ${Buffer.from(value).toString("base64")}`)
    .sort();
  return [...lines, "end", ""].join("\n");
}
