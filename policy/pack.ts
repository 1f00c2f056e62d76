import type { PolicyResourceOptions } from "@pulumi/policy";
import { type Declared, RULES, type Rule } from "./rules.ts";

/** What the engine says of a resource that is to be checked, as far as the rules ask. */
export interface Analyzed {
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly opts: Pick<PolicyResourceOptions, "protect"> & { readonly deleteBeforeReplace?: boolean };
  readonly provider?: { readonly props: Readonly<Record<string, unknown>> };
}

/** A stack on a developer's own machine talks to its engine by a socket. */
const isLocal = ({ provider }: Analyzed) => String(provider?.props["host"]).startsWith("unix:");

const declared = ({ type, name, props, opts }: Analyzed): Declared => ({
  type,
  name,
  inputs: props,
  protect: opts.protect,
  deleteBeforeReplace: opts.deleteBeforeReplace === true,
  secretInputs: [],
});

/**
 * A rule as a policy: mandatory, for what breaks it must not be.
 * Needs `Analyzed` and no more, so that the tests can ask it as the engine does.
 */
export function checkOf(rule: Rule): (resource: Analyzed) => string | undefined {
  return (resource) => rule.check(declared(resource), { isLocal: isLocal(resource) });
}

/** The engine hands policies every secret unwrapped: whether it was marked cannot be asked here, only in the program. */
export const PACKED = RULES.filter(({ name }) => name !== "secrets-marked");
