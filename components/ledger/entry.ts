import { z } from "zod";
import { COLORS } from "../config/schema.ts";
import { switchFigures } from "../gateway/switch/switch-report.ts";
import { parsedJson } from "../parsed-json.ts";
import { origin } from "../slot/origin.ts";

const color = z.enum(COLORS);
const at = z.iso.datetime();
const about = { at, color, release: z.string() };

/** What the ledger on the host keeps, one object a line; who writes which is said with each. */
export const ledgerEntry = z.discriminatedUnion("event", [
  /** A slot began a release, whoever ran the update. By switch.sh, which runs after every release. */
  z.object({
    event: z.literal("released"),
    ...about,
    images: z.record(z.string(), z.string()),
    ...origin,
  }),
  /** The migration of a release ended. By the migration's own script; revisions are `none` where there is no table of them. */
  z.object({
    event: z.literal("migrated"),
    ...about,
    kind: z.enum(["expand", "contract"]),
    /** Of a contract: the releases that go on working. */
    worksWith: z.array(z.string()).default([]),
    /** Asked for outside of a release, in this one's image: this one works afterwards only if it is named. */
    byHand: z.boolean().optional(),
    before: z.string(),
    after: z.string(),
    milliseconds: z.number(),
    ok: z.boolean(),
    /** The dump that was made before it, on the host. */
    backup: z.string().optional(),
  }),
  /** Another colour went live. By switch.sh; times in milliseconds. */
  z.object({
    event: z.literal("live"),
    ...about,
    from: z.enum([...COLORS, "none"]),
    fromRelease: z.string(),
    ...switchFigures,
  }),
  /** The idle colour gets this share of visitors now. By switch.sh. */
  z.object({ event: z.literal("canary"), ...about, percent: z.int() }),
  /** Visitors get the page of maintenance from now on, or are let in again. By switch.sh. */
  z.object({ event: z.literal("maintenance"), at, state: z.enum(["on", "off"]), by: z.string() }),
  /** Requests wait in the gateway, at most so long. By the command line. */
  z.object({ event: z.literal("hold"), at, by: z.string(), seconds: z.int() }),
  /** They were let go; missing after a hold whose command was killed. By the command line. */
  z.object({ event: z.literal("held"), at, milliseconds: z.int(), requests: z.int() }),
  /** A switch to this release was taken back; the colour of before is live. By switch.sh. */
  z.object({ event: z.literal("undone"), ...about, reason: z.string() }),
  /** A watch ended. By watch.sh; figures by name, percents and milliseconds. */
  z.object({
    event: z.literal("verdict"),
    ...about,
    verdict: z.enum(["good", "unjudged", "bad", "superseded", "ended", "failed"]),
    reason: z.string(),
    figures: z.record(z.string(), z.number()),
  }),
  /** A command of `bluegreen` began. By the command line. */
  z.object({
    event: z.literal("began"),
    at,
    run: z.string(),
    command: z.string(),
    by: z.string(),
    release: z.string().optional(),
    /** What it is about to release, of a deploy; an earlier version wrote none of it. */
    color: color.optional(),
    images: z.record(z.string(), z.string()).optional(),
    commit: z.string().optional(),
  }),
  /** A message about a release did not reach a channel. By whoever sent it: the command line, the program, or watch.sh. */
  z.object({
    event: z.literal("undelivered"),
    at,
    message: z.string(),
    channel: z.string(),
    reason: z.string(),
  }),
  /**
   * The same command ended; one that is missing was cut off. Where it went on after that, as a canary does, it ended again: the last one
   * says how. By the command line; times in milliseconds.
   */
  z.object({
    event: z.literal("ended"),
    at,
    run: z.string(),
    command: z.string(),
    ok: z.boolean(),
    reason: z.string().optional(),
    /** It was refused: nothing was changed. */
    refused: z.boolean().optional(),
    /** What it could not put back, and how to go on. */
    left: z.string().optional(),
    /** Of each step; where it failed of those that it came to, the last one until it failed. */
    milliseconds: z.record(z.string(), z.number()),
  }),
]);
export type LedgerEntry = z.infer<typeof ledgerEntry>;
export type Entry<Event extends LedgerEntry["event"]> = Extract<LedgerEntry, { event: Event }>;

/** The entries in the order of the file; a line that is none (cut off by a power cut, of a later version) is passed over. */
export function parseLedger(text: string): readonly LedgerEntry[] {
  return text.split("\n").flatMap((line) => {
    const parsed = ledgerEntry.safeParse(parsedJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

/** One entry as the ledger keeps it. */
export function ledgerLine(entry: LedgerEntry): string {
  return JSON.stringify(entry);
}
