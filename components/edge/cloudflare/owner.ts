import type { StackId } from "../../config/names.ts";

/** Where a zone says which stack keeps its settings. */
export const markerName = (zone: string): string => `_bluegreen.${zone}`;

/** What stands there. In quotes, as Cloudflare keeps a TXT record's content. */
export const markerContent = ({ project, stack }: StackId): string => `"owner=${project}/${stack}"`;

/** The stacks that the zone's TXT records there name, as `project/stack`. */
export function ownersOf(contents: readonly string[]): readonly string[] {
  return contents.flatMap((content) => /^"?owner=([^"]+)"?$/.exec(content)?.[1] ?? []);
}

/** What a stack may do with a zone, given who owns it now. */
export type Ownership =
  | { readonly kind: "free" }
  /** Nobody keeps the zone's settings: they are as somebody left them by hand. */
  | { readonly kind: "nobody" }
  | { readonly kind: "refused"; readonly owner: string };

export function ownership(id: StackId, wantsIt: boolean, owners: readonly string[]): Ownership {
  const other = owners.find((owner) => owner !== `${id.project}/${id.stack}`);
  if (wantsIt) return other === undefined ? { kind: "free" } : { kind: "refused", owner: other };
  return other === undefined ? { kind: "nobody" } : { kind: "free" };
}
