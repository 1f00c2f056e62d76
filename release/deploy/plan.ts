import { type Color, otherColor } from "../../components/config/schema.ts";
import type { ReleaseHistory } from "../../components/ledger/history.ts";
import type { StackRecord } from "../../components/slot/record.ts";
import { type Plain, type PlainMap, isPlainMap } from "../config-file.ts";
import { Refusal } from "../outcome.ts";
import { refuseUnfinished, slotIn } from "../release-keys.ts";
import { releaseImages, sameImages } from "./release-images.ts";

/** What is asked of a deploy. */
export interface DeployRequest {
  /** By part of a release, such as `api`; what is not named stays as in the live slot. */
  readonly images: Readonly<Record<string, string>>;
  /** Default: the next free number, or the commit where releases are no numbers. */
  readonly release?: string | undefined;
  readonly commit?: string | undefined;
  readonly by: string;
  /** The releases that go on working where this one's migration takes something away; default: it only adds. */
  readonly contract?: readonly string[] | undefined;
  /** Seconds that it is watched once visitors are sent to it; default: the stack's `watch.holdMinutes`. */
  readonly hold?: number | undefined;
  /** Whether visitors are sent to it in the same update. */
  readonly flip: boolean;
}

/** What is known of the stack before. */
export interface DeployView {
  readonly stack: string;
  /** The config's `active`, `canary`, `blue` and `green`. */
  readonly config: PlainMap;
  readonly record: StackRecord | undefined;
  /** All release ids that the ledger knows, of those that failed too. */
  readonly known: readonly string[];
  readonly history: readonly Pick<ReleaseHistory, "release" | "images">[];
}

export interface DeployPlan {
  readonly color: Color;
  readonly release: string;
  /** What served before; `undefined` at the first. */
  readonly from: { readonly color: Color; readonly release: string } | undefined;
  /** The images that nobody named, by part: the release before has them too. */
  readonly kept: Readonly<Record<string, string>>;
  /** The config's keys that change. */
  readonly changes: Readonly<Record<string, Plain>>;
}

/** @throws Refusal with what stands in the way, and what to type */
export function planDeploy(view: DeployView, request: DeployRequest): DeployPlan {
  const { record, stack } = view;
  if (record === undefined) return firstDeploy(view, request);
  const live = record.live;
  const running = record.slots[live];
  if (running === null) throw new Error(`the live slot ${live} has no release in the stack's record`);
  if (record.canary > 0) {
    throw new Refusal(
      `${record.canary} % of visitors are on ${otherColor(live)}, in a canary of release ${idleRelease(record)}`,
      `npx bluegreen promote --stack ${stack} --to 100, or npx bluegreen rollback --stack ${stack}`,
    );
  }
  refuseUnfinished(view, record);
  const color = otherColor(live);
  const base = slotIn(view.config, live);
  const before = definedIn(running.images);
  const { images, kept } = releaseImages(view, before, request.images);
  if (sameImages(images, before)) {
    throw new Refusal(
      `release ${running.release}, which is live, runs these images already`,
      `name another image: npx bluegreen deploy --stack ${stack} --image api=NAME:TAG`,
    );
  }
  const release = request.release ?? nextRelease(view, request.commit);
  refuseOtherImages(view, release, images);
  return {
    color,
    release,
    from: { color: live, release: running.release },
    kept,
    changes: { [color]: slotOf(base, release, images, request), ...(request.flip && { active: color }) },
  };
}

/** A release is immutable, after it is gone from both slots too. */
function refuseOtherImages(
  { history }: DeployView,
  release: string,
  images: Readonly<Record<string, string>>,
): void {
  const known = history.findLast((one) => one.release === release);
  if (known === undefined || sameImages(known.images, images)) return;
  throw new Refusal(
    `release ${release} is on record with other images`,
    "leave --release out, or name one that is free",
  );
}

function firstDeploy(view: DeployView, request: DeployRequest): DeployPlan {
  const color: Color = view.config["active"] === "green" ? "green" : "blue";
  const base = slotIn(view.config, color);
  const release = request.release ?? nextRelease(view, request.commit);
  const { images, kept } = releaseImages(view, imagesIn(base), request.images);
  return {
    color,
    release,
    from: undefined,
    kept,
    changes: { [color]: slotOf(base, release, images, request), active: color },
  };
}

function idleRelease({ live, slots }: StackRecord): string {
  return slots[otherColor(live)]?.release ?? "none";
}

/** The next free number after all that were used; where releases are no numbers, the commit's first digits. */
export function nextRelease({ record, known, config }: DeployView, commit: string | undefined): string {
  const slots = (["blue", "green"] as const).flatMap((color) => [
    record?.slots[color]?.release ?? [],
    releaseIn(slotIn(config, color)) ?? [],
  ]);
  const used = [...known, ...slots.flat()];
  const numbers = used.filter((id) => /^\d{1,15}$/.test(id)).map(Number);
  if (numbers.length === used.length) return String(Math.max(0, ...numbers) + 1);
  const id = commit?.slice(0, 12);
  if (id !== undefined && !used.includes(id)) return id;
  throw new Refusal(
    `releases have names here (${used.slice(-3).join(", ")}), and this one needs one that is free`,
    "add --release NAME",
  );
}

function releaseIn(slot: PlainMap): string | undefined {
  const { release } = slot;
  return typeof release === "string" || typeof release === "number" ? String(release) : undefined;
}

function imagesIn(slot: PlainMap): Readonly<Record<string, string>> {
  const { images } = slot;
  if (!isPlainMap(images)) return {};
  return definedIn(images);
}

function definedIn(images: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(images).flatMap(([part, image]) => (typeof image === "string" ? [[part, image]] : [])),
  );
}

/** As the live slot's, a migration of every release included, but for what a release brings. */
function slotOf(
  base: PlainMap,
  release: string,
  images: Readonly<Record<string, string>>,
  { commit, by, contract }: Pick<DeployRequest, "commit" | "by" | "contract">,
): Plain {
  const migration = migrationOf(base, contract);
  return {
    release,
    images,
    ...(migration !== undefined && { migration }),
    ...(commit !== undefined && { commit }),
    by,
  };
}

/** As the slot's before, but for what was that release's own: it only adds, unless said otherwise, and it does run. */
function migrationOf(base: PlainMap, contract: readonly string[] | undefined): PlainMap | undefined {
  const before = base["migration"];
  if (!isPlainMap(before)) {
    if (contract === undefined) return undefined;
    throw new Refusal(
      "a contract needs a migration, and the live slot has none to take over",
      "set it in the stack's config first",
    );
  }
  const own = new Set(["skip", "kind", "worksWith"]);
  const kept = Object.fromEntries(Object.entries(before).filter(([key]) => !own.has(key)));
  return contract === undefined ? kept : { ...kept, kind: "contract", worksWith: [...contract] };
}
