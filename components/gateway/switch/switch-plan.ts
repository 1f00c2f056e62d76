import { type Color, COLORS, type Settings, otherColor } from "../../config/schema.ts";
import type { Slots } from "../../slot/plan.ts";
import { type SlotSpec, containersOf } from "../../slot/record.ts";
import { loopback } from "../spec.ts";

export interface SwitchPlan {
  readonly settings: Settings;
  readonly specs: Slots<SlotSpec | undefined>;
  /** The images that stay on the host after it. */
  readonly keep: readonly string[];
  /** The URL that the switch asks on the host, as visitors do. */
  readonly publicUrl: string;
}

/** How long the host may take for each part before the switch gives up, in seconds. */
const WAITS = { health: 60, smoke: 15, proof: 10, lock: 90, prune: 120 };

/** The plan that `switch.sh` reads. Throws where visitors are to be sent to a slot without a release. */
export function renderSwitchPlan({ settings, specs, keep, publicUrl }: SwitchPlan): string {
  const { active, canary, maintenance } = settings;
  const target = renderContainers("container", active, specs);
  const tried = canary > 0 ? renderContainers("canaryContainer", otherColor(active), specs) : [];
  const { smoke, bakeSeconds, maxErrorRate, minimumRequests } = settings.switch;
  return [
    `target ${active}`,
    `canary ${canary}`,
    ...(maintenance === undefined
      ? []
      : [`maintenance ${maintenance.retryAfterSeconds} ${maintenance.by ?? ""}`.trimEnd()]),
    `release.blue ${specs.blue?.release ?? "none"}`,
    `release.green ${specs.green?.release ?? "none"}`,
    ...COLORS.flatMap((color) => renderReleased(color, specs[color])),
    ...target,
    ...tried,
    ...smoke.map((check) => `smoke ${renderSmokeCheck(check)}`),
    `public ${publicUrl}${smoke[0]?.path ?? "/"}`,
    // Asked on the host itself, past DNS and the edge.
    ...(publicUrl.startsWith("https:") ? [`connect ${loopback(settings)}`] : []),
    `publicTimeoutSeconds ${Math.ceil(smoke[0]?.timeoutSeconds ?? 5) + 1}`,
    `healthWaitSeconds ${WAITS.health}`,
    `smokeWaitSeconds ${WAITS.smoke}`,
    `proofWaitSeconds ${WAITS.proof}`,
    `lockWaitSeconds ${WAITS.lock}`,
    `bakeSeconds ${bakeSeconds}`,
    `maxErrorPercent ${Number((maxErrorRate * 100).toFixed(4))}`,
    `minRequests ${minimumRequests}`,
    ...keep.map((image) => `keep ${image}`),
    `pruneWaitSeconds ${WAITS.prune}`,
    "",
  ].join("\n");
}

function renderContainers(key: string, color: Color, specs: SwitchPlan["specs"]): readonly string[] {
  const spec = specs[color];
  if (spec === undefined) throw new Error(`the slot ${color} has no release to switch to`);
  return containersOf(spec).map(({ name, image }) => `${key} ${name} ${image} ${spec.release}`);
}

/** What the ledger says of a release; nothing of a slot without one. */
function renderReleased(color: Color, spec: SlotSpec | undefined): readonly string[] {
  if (spec === undefined) return [];
  const { release, images, commit, by } = spec;
  return [`released.${color} ${JSON.stringify({ release, images, commit, by })}`];
}

function renderSmokeCheck(check: Settings["switch"]["smoke"][number]): string {
  const query = new URLSearchParams({
    path: check.path,
    status: String(check.status),
    timeout: String(check.timeoutSeconds),
    ...(check.json && { json: JSON.stringify(check.json) }),
  });
  return query.toString();
}

/** How long the whole switch may take, in seconds; past it the host stops it, and it undoes what it did. */
export function switchLimitSeconds({ settings }: Pick<SwitchPlan, "settings">): number {
  const { smoke, bakeSeconds } = settings.switch;
  const checks = smoke.reduce((sum, check) => sum + check.timeoutSeconds, 0);
  const { lock, health, smoke: smoking, proof, prune } = WAITS;
  const asked = settings.canary > 0 ? 2 : 1;
  return Math.ceil(lock + asked * (health + smoking + checks) + proof + bakeSeconds + prune + 30);
}
