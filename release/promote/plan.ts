import { type Color, otherColor } from "../../components/config/schema.ts";
import type { StackRecord } from "../../components/slot/record.ts";
import type { PlainMap } from "../config-file.ts";
import { Refusal } from "../outcome.ts";
import { refuseUnfinished } from "../release-keys.ts";

export interface PromoteView {
  readonly stack: string;
  readonly config: PlainMap;
  readonly record: StackRecord;
}

export interface PromotePlan {
  readonly release: string;
  readonly color: Color;
  readonly percent: number;
  /** Who serves, and who all visitors go back to when it turns out bad: a bad release keeps no share. */
  readonly back: { readonly live: Color; readonly canary: 0 };
  readonly changes: PlainMap;
}

/** A share of visitors for the release that waits on the idle slot; with 100 it is live. @throws Refusal */
export function planPromote(view: PromoteView, percent: number): PromotePlan {
  const { record, stack } = view;
  refuseUnfinished(view, record);
  const color = otherColor(record.live);
  const release = record.slots[color]?.release;
  if (release === undefined) {
    throw new Refusal(
      `no release waits on ${color}`,
      `npx bluegreen deploy --stack ${stack} --image api=… --no-flip`,
    );
  }
  if (record.canary === percent) {
    throw new Refusal(
      `${percent} % of visitors are on release ${release} already`,
      `npx bluegreen promote --stack ${stack} --to 100`,
    );
  }
  const changes: PlainMap = percent === 100 ? { active: color, canary: 0 } : { canary: percent };
  return { release, color, percent, back: { live: record.live, canary: 0 }, changes };
}
