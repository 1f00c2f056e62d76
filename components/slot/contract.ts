import { z } from "zod";
import { COLORS, type Color, type Release } from "../config/schema.ts";
import type { StackRecord } from "./record.ts";

/** The last migration of this stack that took something away. */
export const contractRecord = z.strictObject({
  /** Whose migration it was. */
  release: z.string(),
  /** The releases that it leaves without what they need. */
  breaks: z.array(z.string()),
});
export type ContractRecord = z.infer<typeof contractRecord>;

type Wanted = { readonly [C in Color]?: Release | undefined };

/** The slot that begins a release with a contract migration in this run, if one does. */
export function contracting(
  wanted: Wanted,
  previous: Pick<StackRecord, "slots"> | undefined,
): { readonly color: Color; readonly release: string; readonly worksWith: readonly string[] } | undefined {
  for (const color of COLORS) {
    const { release, migration } = wanted[color] ?? {};
    if (release === undefined || release === previous?.slots[color]?.release) continue;
    if (migration?.kind === "contract" && !migration.skip)
      return { color, release, worksWith: migration.worksWith };
  }
  return undefined;
}

/** What the stack remembers after this run: to none of the releases it knew, but for those named, there is a way back. */
export function contractAfter(wanted: Wanted, previous: StackRecord | undefined): ContractRecord | undefined {
  const now = contracting(wanted, previous);
  if (now === undefined) return previous?.contract;
  const known = [
    ...(previous?.contract?.breaks ?? []),
    ...(previous?.recent ?? []).map(({ release }) => release),
    ...COLORS.flatMap((color) => previous?.slots[color]?.release ?? []),
  ];
  const breaks = [...new Set(known)].filter((id) => id !== now.release && !now.worksWith.includes(id)).sort();
  return { release: now.release, breaks };
}
