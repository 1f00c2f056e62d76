import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** A security update that an image lacks. */
export interface Update {
  readonly name: string;
  /** The version in the image. */
  readonly old: string;
  /** The version in the archive. */
  readonly version: string;
}

/** From the checkout's root. */
export const ACCEPTED_FILE = "delivery/image/accepted-updates.yaml";

const acceptedFile = z.array(
  z.strictObject({
    packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/, "the name of a Debian package")).min(1),
    version: z.string().min(1),
    reason: z.string().min(15, "a reason, in a sentence"),
    until: z.iso.date("a day such as 2026-03-31"),
  }),
);
export type Accepted = z.output<typeof acceptedFile>[number];

/** @throws Error with all that is wrong in the text of `ACCEPTED_FILE` */
export function readAccepted(text: string): readonly Accepted[] {
  const { success, data, error } = acceptedFile.safeParse(parse(text));
  if (!success) throw new Error(`${ACCEPTED_FILE}: ${z.prettifyError(error)}`);
  return data;
}

export const acceptedIn = async (checkout: string): Promise<readonly Accepted[]> =>
  readAccepted(await readFile(join(checkout, ACCEPTED_FILE), "utf8"));

/**
 * Holds the updates that an image lacks against those that it may lack: these versions of these packages, no later ones.
 * @param today in UTC, such as 2026-03-31; `until` is the last day
 */
export function judgeUpdates(
  updates: readonly Update[],
  accepted: readonly Accepted[],
  today: string,
): { readonly refused: readonly string[]; readonly accepted: readonly string[] } {
  const judged = updates.map(({ name, old, version }) => {
    const found = accepted.findLast((one) => one.version === version && one.packages.includes(name));
    const text = `${name} ${old}: ${version} is there`;
    if (found === undefined) return { refused: [text], accepted: [] };
    const { until, reason } = found;
    return until < today
      ? { refused: [`${text}, and was accepted until ${until}`], accepted: [] }
      : { refused: [], accepted: [`${name} ${old} is accepted until ${until}: ${reason}`] };
  });
  return {
    refused: judged.flatMap(({ refused }) => refused),
    accepted: judged.flatMap((one) => one.accepted),
  };
}
