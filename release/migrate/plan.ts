import { clock } from "../../components/clock.ts";
import type { Color } from "../../components/config/schema.ts";
import { COLORS, otherColor } from "../../components/config/schema.ts";
import { parseColor, parseLines } from "../../components/host/observation.ts";
import { renderMigration } from "../../components/slot/migration.ts";
import type { StackRecord } from "../../components/slot/record.ts";
import { Refusal } from "../outcome.ts";
import type { WatchState } from "../watch/plan.ts";

/** A migration outside of a release, such as one downwards. */
export interface MigrateRequest {
  /** In whose image it runs. */
  readonly release: string;
  /** The releases that work afterwards. */
  readonly worksWith: readonly string[];
  readonly command: readonly string[];
}

export interface MigratePlan {
  readonly color: Color;
  /** What migrate.sh reads. */
  readonly text: string;
  readonly timeoutSeconds: number;
}

export interface MigrateView {
  readonly record: StackRecord;
  readonly names: { readonly migration: string; readonly postgres: string };
  readonly watch: WatchState;
}

const LOCK_TIMEOUT_SECONDS = 3;
const TIMEOUT_SECONDS = 60;

/**
 * The same gate as a release's contract: one at a time, dumped, bounded by the release's own `timeoutSeconds`, on the record, and no
 * way back to a release that is not named.
 * @throws Refusal with what stands in the way, and what to type
 */
export function planMigrate(
  { record, names, watch }: MigrateView,
  { release, worksWith, command }: MigrateRequest,
): MigratePlan {
  const { live, slots, canary } = record;
  const color = COLORS.find((one) => slots[one]?.release === release);
  const spec = color && slots[color];
  if (color === undefined || !spec) {
    const there = COLORS.flatMap((one) => slots[one]?.release ?? []);
    throw new Refusal(`no slot has release ${release}`, `name one that is there: ${there.join(", ")}`);
  }
  for (const serving of canary > 0 ? [live, otherColor(live)] : [live]) {
    const needs = slots[serving]?.release;
    if (needs === undefined || worksWith.includes(needs)) continue;
    throw new Refusal(
      `release ${needs} serves on ${serving}, and is not among those that work afterwards`,
      `name it in --works-with if it does; else send visitors to one that does first`,
    );
  }
  refuseWayBack(record, watch, worksWith);
  const timeoutSeconds = Number(parseLines(spec.migration ?? "").get("timeoutSeconds") ?? TIMEOUT_SECONDS);
  const text = renderMigration({
    ...{ color, release, byHand: true, container: spec.containers.api },
    ...{ name: names.migration, postgres: names.postgres },
    migration: {
      ...{ kind: "contract", worksWith: [...worksWith], command: [...command], backup: "dump", skip: false },
      ...{ timeoutSeconds, lockTimeoutSeconds: LOCK_TIMEOUT_SECONDS },
    },
  });
  if (text === null) throw new Error("a migration that was asked for has a plan");
  return { color, text, timeoutSeconds };
}

/** The host sends visitors back without asking anybody. @throws Refusal where it would send them to a release that lacks what goes */
function refuseWayBack({ slots }: StackRecord, watch: WatchState, worksWith: readonly string[]): void {
  const watched = watch.kind === "watching" ? parseColor(watch.color) : undefined;
  if (watch.kind !== "watching" || watched === undefined) return;
  const back = otherColor(watched);
  const needs = slots[back]?.release;
  if (needs === undefined || worksWith.includes(needs)) return;
  throw new Refusal(
    `release ${needs} on ${back} is the way back of release ${watch.release}, which is being watched until ${clock(watch.until)}, ` +
      "and is not among those that work afterwards",
    "name it in --works-with if it does; else wait for the watch's end, or npx bluegreen watch --stop, with the same --stack",
  );
}
