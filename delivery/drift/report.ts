import type { StackPlan } from "../preview/plan.ts";

/** What a nightly look came to; each has an exit code of its own. */
export type Drift =
  | { readonly kind: "none" }
  | { readonly kind: "drifted"; readonly lines: readonly string[] }
  /** Nothing was learned: that is not the same as nothing found. */
  | { readonly kind: "unknown"; readonly lines: readonly string[] };

/** Where a stack and what really runs differ. A stack that was updated and left alone has nothing planned. */
export function driftOf({ steps, errors }: StackPlan): Drift {
  if (errors.length > 0) return { kind: "unknown", lines: errors };
  if (steps.length === 0) return { kind: "none" };
  return {
    kind: "drifted",
    lines: steps.map(({ op, type, name, diffs }) => {
      const differs = diffs.length > 0 ? `: ${diffs.join(", ")}` : "";
      return `${op} ${type} ${name}${differs}`;
    }),
  };
}

const listed = (lines: readonly string[]) => lines.map((line) => `  ${line}\n`).join("");

export function renderDrift(stack: string, drift: Drift): string {
  switch (drift.kind) {
    case "none":
      return `${stack}: no drift\n`;
    case "drifted":
      return `${stack}: ${drift.lines.length} resources differ from what was deployed; \`pulumi up --refresh --stack ${stack}\` puts them back\n${listed(drift.lines)}`;
    case "unknown":
      return `${stack}: could not be looked at\n${listed(drift.lines)}`;
  }
}

/** 0 without drift, 1 with, 2 where nothing was learned. */
export function driftCode({ kind }: Drift): number {
  switch (kind) {
    case "none":
      return 0;
    case "drifted":
      return 1;
    case "unknown":
      return 2;
  }
}
