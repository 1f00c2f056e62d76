import { type Color, COLORS } from "../config/schema.ts";
import type { Slots } from "../slot/plan.ts";

interface Released {
  readonly release: string;
  /** By part; a part without an image of its own has none. */
  readonly images: Readonly<Record<string, string | undefined>>;
}

/**
 * The images that stay on the host once `live` serves: those of both slots, and of the last `count` releases that were live,
 * that of `live` among them. What was never live and has no slot is not among them.
 * @param recent what went live before, the last first
 */
export function keptImages(
  count: number,
  live: Color,
  specs: Slots<Released | undefined>,
  recent: readonly Released[],
): readonly string[] {
  const now = specs[live];
  const last = new Map<string, Released["images"]>();
  for (const { release, images } of now === undefined ? recent : [now, ...recent]) {
    if (last.size < count && !last.has(release)) last.set(release, images);
  }
  const held = COLORS.flatMap((color) => Object.values(specs[color]?.images ?? {}));
  const names = [...held, ...[...last.values()].flatMap((images) => Object.values(images))];
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}
