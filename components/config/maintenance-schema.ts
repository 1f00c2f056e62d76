import { object, person, wholeNumber } from "./leaves.ts";

/**
 * While the key is there, visitors get the page of maintenance and nobody reaches the application but the team.
 * `bluegreen maintenance on` writes it, `off` takes it out.
 */
export const maintenanceSchema = object({
  /** When visitors are told to come again. */
  retryAfterSeconds: wholeNumber(1, 86_400, "seconds").default(600),
  /** Who turned it on, for the record. */
  by: person.optional(),
}).optional();
