/** The tag of a Postgres image begins with its major version: `postgres:18`, `postgres:18.1-bookworm@sha256:…`. */
export const POSTGRES_IMAGE = /^[a-z0-9][\w.\-/:]*:(\d+)[.\-\w]*(?:@sha256:[0-9a-f]{64})?$/;

/** The major version that an image's tag names. Throws on an image that `POSTGRES_IMAGE` does not describe. */
export function postgresMajor(image: string): number {
  const major = POSTGRES_IMAGE.exec(image)?.[1];
  if (major === undefined)
    throw new Error(`"${image}" does not name a major version of Postgres, as postgres:18 does`);
  return Number(major);
}

/**
 * Where the official image wants its volume: from 18 on one level up, with the data in a directory of the major
 * version's own. The other mount would put the data into an anonymous volume, which goes with the container.
 */
export function postgresVolumePath(major: number): string {
  return major >= 18 ? "/var/lib/postgresql" : "/var/lib/postgresql/data";
}
