import { z } from "zod";
import { object, text, wholeNumber } from "./leaves.ts";

/** The names that the program gives its own files in `/run/secrets`. */
const TAKEN = ["DATABASE_PASSWORD", "REDIS_PASSWORD"];

const secretName = text(
  new RegExp(`^(?!(${TAKEN.join("|")})$)[A-Z][A-Z0-9_]{0,62}$`),
  `an upper-case name of at most 63 letters, digits and underscores, other than ${TAKEN.join(" and ")}`,
);

/**
 * What only the application and whoever set it knows, by name: `STRIPE_KEY` is the file `/run/secrets/stripe_key` of
 * every release that begins from now on. Each value is a Pulumi secret.
 */
export const secretsSchema = z
  .record(secretName, z.string({ error: "a text" }).min(1, { error: "a text of at least one character" }), {
    error: "a map of upper-case names to secrets",
  })
  .default({});

/** Where the images come from, if it wants to know who asks. Sent with each pull; the host does not keep it. */
export const registrySchema = object({
  address: text(
    /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/,
    "a registry such as ghcr.io, without https://",
  ),
  username: text(/^\S+$/, "a user name"),
  password: z.string({ error: "a text" }).min(1, { error: "a text of at least one character" }),
}).optional();

/** Counts the database's passwords: a higher number is a new one for the releases that begin from now on. */
export const passwordVersion = wholeNumber(1, 9999, "password versions").default(1);

export type ApplicationSecrets = z.output<typeof secretsSchema>;
export type RegistrySettings = NonNullable<z.output<typeof registrySchema>>;
