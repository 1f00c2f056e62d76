import type { Inspected } from "./inspected.ts";

/** Something that holds of a container, or in a few words why it does not. */
type Check = (container: Inspected) => string | undefined;

/**
 * One recommendation of the benchmark's section 5. `pass`: `check` proves it of every container. `otherwise`: it is not
 * followed, for a reason; what stands instead is proven where there is a `check`. `elsewhere`: not a container's setting.
 */
export type CisItem = {
  readonly id: string;
  readonly title: string;
} & (
  | { readonly kind: "pass"; readonly check: Check; readonly note?: string }
  | { readonly kind: "otherwise"; readonly reason: string; readonly check?: Check }
  | { readonly kind: "elsewhere"; readonly reason: string }
);

/** The table of docs/security.md. */
export function renderCis(items: readonly CisItem[]): string {
  const rows = items.map((item) => {
    switch (item.kind) {
      case "pass":
        return `| ${item.id} | ${item.title} | pass | ${item.note ?? ""} |`;
      case "otherwise":
        return `| ${item.id} | ${item.title} | not followed | ${item.reason} |`;
      case "elsewhere":
        return `| ${item.id} | ${item.title} | not a container's setting | ${item.reason} |`;
    }
  });
  return ["| no. | recommendation | result | note |", "|---|---|---|---|", ...rows, ""].join("\n");
}
