import { z } from "zod";

/** A Cloudflare zone as a run found it. */
export const zoneRecord = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** Whether this stack keeps the zone's settings. */
  owned: z.boolean(),
});
export type ZoneRecord = z.infer<typeof zoneRecord>;
