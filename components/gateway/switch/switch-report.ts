import { z } from "zod";
import { COLORS } from "../../config/schema.ts";
import { parseColor, parseLines } from "../../host/observation.ts";

/** What a switch took and counted; times in milliseconds. */
export const switchFigures = {
  checkMs: z.number(),
  smokeMs: z.number(),
  flipMs: z.number(),
  proofMs: z.number(),
  bakeMs: z.number(),
  totalMs: z.number(),
  /** Requests to the target in the bake window, and how many of them failed. */
  requests: z.number(),
  errors: z.number(),
};

/** What a switch says it did. */
export const switchReport = z.strictObject({
  live: z.enum(COLORS),
  previous: z.enum([...COLORS, "none"]),
  /** False where the target was live already and was only verified. */
  flipped: z.boolean(),
  switchedAt: z.string(),
  ...switchFigures,
});
export type SwitchReport = z.infer<typeof switchReport>;

/** Reads what `switch.sh` prints. Throws when it does not name the live colour: nothing may be believed then. */
export function parseSwitchReport(stdout: string): SwitchReport {
  const lines = parseLines(stdout);
  const live = parseColor(lines.get("live"));
  if (live === undefined)
    throw new Error(`the switch did not say which colour is live: ${JSON.stringify(stdout)}`);
  const number = (key: string) => Number(lines.get(key) ?? 0);
  return {
    live,
    previous: parseColor(lines.get("previous")) ?? "none",
    flipped: lines.get("flipped") === "true",
    switchedAt: lines.get("switchedAt") ?? "",
    checkMs: number("checkMs"),
    smokeMs: number("smokeMs"),
    flipMs: number("flipMs"),
    proofMs: number("proofMs"),
    bakeMs: number("bakeMs"),
    totalMs: number("totalMs"),
    requests: number("requests"),
    errors: number("errors"),
  };
}
