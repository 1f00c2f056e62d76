import { z } from "zod";
import { COLORS, type Color, type Release } from "../config/schema.ts";
import type { Observation } from "../host/observation.ts";
import type { StackRecord } from "./record.ts";

/** The last migration of this stack that took something away. */
export const contractRecord = z.strictObject({
  /** Whose migration it was. */
  release: z.string(),
  /** The releases that it leaves without what they need. */
  breaks: z.array(z.string()),
  /** When it began, by the host; not known before the run after it. */
  at: z.string().optional(),
});
export type ContractRecord = z.infer<typeof contractRecord>;

type Wanted = { readonly [C in Color]?: Release | undefined };

/** A migration that takes something away. */
export interface Contract {
  readonly release: string;
  /** All that work afterwards. */
  readonly works: readonly string[];
  readonly at?: string | undefined;
}

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

/** A contract in the host's words, `AT RELEASE WORKS…`; `undefined` where the stack's record knows of it, or of a later one. */
export function contractSeen(
  line: string | undefined,
  previous: Pick<StackRecord, "contract"> | undefined,
): Contract | undefined {
  const [at = "", release, ...works] = line?.split(" ") ?? [];
  if (release === undefined || at <= (previous?.contract?.at ?? "")) return undefined;
  return { release, works, at };
}

/** To none of the releases that the stack knew there is a way back, but for those that work. */
export function brokenBy(
  { release, works, at }: Contract,
  previous: StackRecord | undefined,
): ContractRecord {
  const known = [
    ...(previous?.contract?.breaks ?? []),
    ...(previous?.recent ?? []).map(({ release }) => release),
    ...COLORS.flatMap((color) => previous?.slots[color]?.release ?? []),
  ];
  const breaks = [...new Set(known)].filter((id) => !works.includes(id)).sort();
  return { release, breaks, ...(at !== undefined && { at }) };
}

/** What the stack remembers after this run. `contracted` is the host's word, which outlives a run that failed after its migration. */
export function contractAfter(
  wanted: Wanted,
  previous: StackRecord | undefined,
  { contracted }: Pick<Observation, "contracted">,
): ContractRecord | undefined {
  const seen = contractSeen(contracted, previous);
  const before = seen === undefined ? previous?.contract : brokenBy(seen, previous);
  const now = contracting(wanted, previous);
  if (now === undefined) return before;
  const { release, worksWith } = now;
  const known = previous && { ...previous, ...(before && { contract: before }) };
  const { breaks } = brokenBy({ release, works: [release, ...worksWith] }, known);
  return { release, breaks, ...(before?.at !== undefined && { at: before.at }) };
}
