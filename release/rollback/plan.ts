import { originOf } from "../../components/slot/origin.ts";
import { imagesNeeded, imagesOf } from "../../components/slot/parts.ts";
import { type Color, otherColor } from "../../components/config/schema.ts";
import { type FailedRelease, isReleased } from "../../components/ledger/failed.ts";
import type { ReleaseHistory } from "../../components/ledger/history.ts";
import type { Entry } from "../../components/ledger/entry.ts";
import type { StackRecord } from "../../components/slot/record.ts";
import { type Changes, type PlainMap, isPlainMap } from "../config-file.ts";
import { Refusal } from "../outcome.ts";
import { type KeyDifference, asItRuns, keyDifferences, slotIn } from "../release-keys.ts";

export interface RollbackView {
  readonly stack: string;
  readonly config: PlainMap;
  readonly record: StackRecord;
  /** Those too that did not come to their switch: nothing leads back to them. */
  readonly history: readonly (ReleaseHistory | FailedRelease)[];
  /** The last migration that took something away. */
  readonly contract: Entry<"migrated"> | undefined;
  readonly by: string;
  /** Who turned maintenance on, where it is on. */
  readonly maintainedBy: string | undefined;
}

/** How visitors get back. */
export type RollbackPlan = {
  readonly release: string;
  readonly color: Color;
  readonly changes: Changes;
} &
  /** The file says something else than what runs, whoever left it so: it is made to say that, and visitors stay where they are. */
  (
    | { readonly kind: "restore"; readonly differs: readonly KeyDifference[] }
    | { readonly kind: "canary" }
    /** The slot is warm: one resource changes. */
    | { readonly kind: "flip" }
    /** Its images are released again, by digest, without their migration. */
    | { readonly kind: "release"; readonly images: Readonly<Record<string, string>> }
  );

/** @throws Refusal with what stands in the way, and what to type */
export function planRollback(all: RollbackView, to?: string): RollbackPlan {
  const view = { ...all, history: all.history.filter(isReleased) };
  const { record, stack, history, config } = view;
  const { live, slots } = record;
  const running = slots[live]?.release;
  const idle = otherColor(live);
  const truth = asItRuns(config, record, view.maintainedBy);
  const differs = keyDifferences(config, record);
  const sentTo = [running, ...(record.canary > 0 ? [slots[idle]?.release] : [])];
  const isTakenBack = sentTo.some((release) => whyCondemned(history, release) !== undefined);
  // Of a watch that nobody followed the state does not know: what it says would be refused.
  if (to === undefined && differs.length > 0 && !isTakenBack) {
    const changes = { ...truth, active: live, canary: record.canary };
    return { kind: "restore", release: running ?? "none", color: live, changes, differs };
  }
  if (record.canary > 0 && (to === undefined || to === running)) {
    return {
      kind: "canary",
      release: running ?? "none",
      color: live,
      changes: { ...truth, active: live, canary: 0 },
    };
  }
  const wanted = to ?? before(view);
  refuseCondemned(view, wanted);
  if (wanted === running) {
    throw new Refusal(
      `release ${wanted} is live already`,
      `npx bluegreen history --stack ${stack} lists the others`,
    );
  }
  const known = slots[idle]?.release === wanted ? undefined : onRecord(all, wanted);
  refuseBroken(view, wanted);
  if (known === undefined) {
    return { kind: "flip", release: wanted, color: idle, changes: { ...truth, active: idle, canary: 0 } };
  }
  if (record.canary > 0) {
    throw new Refusal(
      `${record.canary} % of visitors are on ${idle}, in a canary of release ${slots[idle]?.release ?? "none"}, where release ${wanted} would go`,
      `npx bluegreen rollback --stack ${stack} ends it, then this again`,
    );
  }
  refuseMisfit(view, known);
  const { images, commit } = known;
  const slot = slotIn(config, live);
  const { migration } = slot;
  const again = {
    release: wanted,
    images: { ...images },
    // What it needs has been there since; run on a newer schema, many migration tools fail.
    ...(isPlainMap(migration) && { migration: { ...migration, skip: true } }),
    ...originOf({ commit, by: view.by }),
  };
  return {
    kind: "release",
    images,
    release: wanted,
    color: idle,
    changes: { ...truth, [live]: truth[live] ?? slot, [idle]: again, active: idle, canary: 0 },
  };
}

/** @throws Refusal where no slot ever began it */
function onRecord({ history, stack }: RollbackView, wanted: string): ReleaseHistory {
  const tries = history.filter(({ release }) => release === wanted);
  const known = tries.findLast(isReleased);
  if (known !== undefined) return known;
  const last = tries.at(-1);
  if (last === undefined) {
    throw new Refusal(
      `no release ${wanted} is on record`,
      `npx bluegreen history --stack ${stack} lists those that are`,
    );
  }
  const ending = last.verdict === "failed" ? "failed" : "was cut off, or is at work,";
  throw new Refusal(
    `release ${wanted} ${ending} before its switch`,
    `release it anew: npx bluegreen deploy --stack ${stack} --image api=…`,
  );
}

/** Why a watch took the visitors back from a release, where that was its last verdict: the program does not let them in again. */
function whyCondemned(history: RollbackView["history"], release: string | undefined): string | undefined {
  // The host goes by the id, whichever slot had it.
  const last = history.flatMap((one) => (one.release === release ? one.watched : [])).at(-1);
  return last?.verdict === "bad" ? last.reason : undefined;
}

function refuseCondemned({ history, stack }: RollbackView, wanted: string): void {
  const reason = whyCondemned(history, wanted);
  if (reason === undefined) return;
  throw new Refusal(
    `the watch took the visitors back from release ${wanted}: ${reason}`,
    `release a mended one: npx bluegreen deploy --stack ${stack} --image api=…`,
  );
}

/** There is no way back past a contract migration, whether or not its release ever went live. */
function refuseBroken({ contract, history, stack }: RollbackView, wanted: string): void {
  if (contract === undefined || contract.worksWith.includes(wanted)) return;
  if (contract.release === wanted && contract.byHand !== true) return;
  const began = history.findLast(({ release }) => release === wanted)?.releasedAt;
  if (began !== undefined && began > contract.at) return;
  throw new Refusal(
    `release ${wanted} needs what the migration of ${contract.release} took away (${contract.at}, revision ${contract.after})`,
    `mend forward: npx bluegreen deploy --stack ${stack} --image api=…` +
      (contract.backup === undefined ? "" : `; the database from before is ${contract.backup} on the host`),
  );
}

/** A slot that begins is made from today's keys: the program refuses a release whose images they do not ask for, or lack one of. */
function refuseMisfit({ config, stack }: RollbackView, { release, images }: ReleaseHistory): void {
  const { web, worker } = images;
  const [needed, used] = [imagesNeeded(config), imagesOf(config)];
  const file = `git log -p Pulumi.${stack}.yaml`;
  const misfits: (readonly [what: string, fix: string])[] = [];
  if (web === undefined && needed.includes("web"))
    misfits.push([
      "no pages of its own, and the stack has the key web",
      `pulumi config rm web --stack ${stack}`,
    ]);
  if (web !== undefined && !used.includes("web"))
    misfits.push([
      "pages of its own, and the stack has no key web",
      `pulumi config set --stack ${stack} --path 'web.apiPaths[0]' /api, or with the paths it had (${file})`,
    ]);
  if (worker !== undefined && !used.includes("worker"))
    misfits.push([
      "an image for worker or beat, and the stack has neither key",
      `put the key worker or beat back as it was (${file})`,
    ]);
  if (misfits.length === 0) return;
  throw new Refusal(
    misfits.map(([what]) => `release ${release} had ${what}`).join("\n"),
    `${misfits.map(([, fix]) => fix).join("; ")}, then this again`,
  );
}

/** The release that was live before this one, past those that visitors were taken back from. */
function before(view: RollbackView): string {
  const { record, history, stack } = view;
  const running = record.slots[record.live]?.release;
  const isOpen = (release: string | undefined): boolean => whyCondemned(history, release) === undefined;
  const times = history.flatMap(({ release, live }) => live.map(({ at }) => ({ release, at })));
  times.sort((a, b) => a.at.localeCompare(b.at));
  const last = times.findLast(({ release }) => release !== running && isOpen(release));
  if (last !== undefined) return last.release;
  const color = otherColor(record.live);
  const waiting = record.slots[color]?.release;
  const idle = isOpen(waiting) ? waiting : undefined;
  // Of before there was a ledger, or lost with a full disk: the switch and the state know it too.
  const from = history.findLast(({ release }) => release === running)?.live.at(-1)?.fromRelease;
  if (from !== undefined && from !== "none" && from === idle) return from;
  if (idle !== undefined && record.lastFlip.previous === color && !releasedSince(view, idle)) return idle;
  throw new Refusal(
    `no release was live before ${running ?? "this one"}`,
    idle === undefined
      ? `npx bluegreen deploy --stack ${stack} --image api=…`
      : `npx bluegreen rollback --stack ${stack} --to ${idle}, which ${otherColor(record.live)} holds`,
  );
}

function releasedSince({ history, record }: RollbackView, release: string): boolean {
  return history.some((one) => one.release === release && one.releasedAt > record.lastFlip.switchedAt);
}
