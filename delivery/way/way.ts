import { parse } from "yaml";
import { z } from "zod";

/** How this machine gets to a stack's host. */
export type Way =
  /** The program gets there by itself. */
  | { readonly kind: "direct" }
  /** A local port that `npm run connect` has to hold open meanwhile. */
  | { readonly kind: "forwarded"; readonly port: number };

const stackFile = z.object({
  config: z.object({
    "bluegreen:host": z.object({
      connect: z.object({ kind: z.string(), port: z.number().default(2222) }).optional(),
    }),
  }),
});

export function wayOf(stackText: string): Way {
  const { connect } = stackFile.parse(parse(stackText)).config["bluegreen:host"];
  return connect?.kind === "forwarded" ? { kind: "forwarded", port: connect.port } : { kind: "direct" };
}
