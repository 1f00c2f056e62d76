import { dotted } from "../../components/config/commands.ts";
import type { Allowance } from "./allowed.ts";

/** What one stack has at each place; secrets stand there as their presence alone. */
export type Stacks = Readonly<Record<string, unknown>>;

export interface Difference {
  /** Dotted, as in a stack's file: `switch.smoke[0].path`. */
  readonly path: string;
  /** By stack; `undefined` where a stack has nothing there. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Some stack has nothing where others have an object. */
  readonly lacking: boolean;
  /** Why it may differ; `undefined` where it may not. */
  readonly reason: string | undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Where the stacks differ, place by place. What one stack lacks altogether (a slot without a release) is one difference;
 * below it the others are still held against each other.
 */
export function compareStacks(stacks: Stacks, allowed: readonly Allowance[]): readonly Difference[] {
  return differences([], stacks).map((found) => ({
    ...found,
    reason: allowed.find((one) => covers(one, found))?.reason,
  }));
}

type Found = Omit<Difference, "reason">;

function covers(allowance: Allowance, { path, lacking }: Found): boolean {
  if (path === allowance.path) return lacking || allowance.lacking === undefined;
  return allowance.lacking === undefined && path.startsWith(`${allowance.path}.`);
}

function differences(path: readonly string[], values: Stacks): readonly Found[] {
  const present = Object.values(values).filter((value) => value !== undefined);
  if (present.length > 0 && present.every(isObject)) {
    const lacking = present.length < Object.keys(values).length && path.length > 0;
    const keys = [...new Set(present.flatMap((value) => Object.keys(value)))].sort();
    const among = Object.entries(values).filter(([, value]) => value !== undefined);
    const below = keys.flatMap((key) =>
      differences(
        [...path, key],
        Object.fromEntries(among.map(([stack, value]) => [stack, isObject(value) ? value[key] : undefined])),
      ),
    );
    return [...(lacking ? [{ path: dotted(path), values, lacking: true }] : []), ...below];
  }
  const texts = new Set(Object.values(values).map((value) => JSON.stringify(value)));
  return texts.size > 1 ? [{ path: dotted(path), values, lacking: false }] : [];
}

function shownValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = isObject(value) ? "set" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** For people: what may differ and why, then what may not and what to do. */
export function renderDifferences(found: readonly Difference[]): string {
  const lines = ({ values }: Difference) =>
    Object.entries(values)
      .map(([stack, value]) => `      ${stack.padEnd(10)} ${shownValue(value)}`)
      .join("\n");
  const allowed = found.filter(({ reason }) => reason !== undefined);
  const refused = found.filter(({ reason }) => reason === undefined);
  return [
    ...(allowed.length > 0 ? ["may differ:"] : []),
    ...allowed.map((one) => `  ${one.path}: ${one.reason ?? ""}\n${lines(one)}`),
    ...(refused.length > 0 ? ["may not differ:"] : []),
    ...refused.map(
      (one) =>
        `  ${one.path}\n${lines(one)}\n    fix: set the same value in every stack, or say why not in toolchain/compare/allowed.ts`,
    ),
    "",
  ].join("\n");
}
