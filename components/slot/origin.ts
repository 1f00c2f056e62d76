import { z } from "zod";

/** The commit that a release was built from, and who released it, where the config said so. */
export const origin = { commit: z.string().optional(), by: z.string().optional() };

interface Origin {
  readonly commit?: string | undefined;
  readonly by?: string | undefined;
}

/** The origin alone, without what is not known: state and config name no empty keys. */
export function originOf({ commit, by }: Origin): Origin {
  return { ...(commit !== undefined && { commit }), ...(by !== undefined && { by }) };
}
