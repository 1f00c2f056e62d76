import * as pulumi from "@pulumi/pulumi";
import { type Declared, type Surroundings, broken } from "./rules.ts";

/**
 * The inputs as they stand in the program. What another resource or a secret decides is not known yet and left out: a rule that
 * wants something finds nothing there, and says no; one that forbids something finds nothing either, and lets it through. That
 * is the policy pack's to see, which gets the value once the engine knows it.
 */
function plain(value: unknown): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise || pulumi.Resource.isInstance(value))
    return undefined;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

/** A resource as the SDK is about to ask for it. */
export function declaredBy({ type, name, props, opts }: pulumi.ResourceTransformationArgs): Declared {
  return {
    type,
    name,
    inputs: Object.fromEntries(Object.entries(props).map(([key, value]) => [key, plain(value)])),
    protect: opts.protect === true,
    deleteBeforeReplace: "deleteBeforeReplace" in opts && opts.deleteBeforeReplace === true,
    // Whatever is marked is an Output, and none of the inputs above.
    secretInputs: [],
  };
}

/**
 * Holds every resource of this program against the project's rules before the engine hears of it. Nothing is changed,
 * nothing is waited for: rules are functions of what stands in the program.
 * @throws RunError, from the constructor of the resource that breaks a rule
 */
export function enforceRules(around: Surroundings): void {
  pulumi.runtime.registerStackTransformation((args) => {
    const found = broken(declaredBy(args), around);
    if (found.length === 0) return undefined;
    const said = found.map(({ rule, problem }) => `  ${rule.name}: ${problem}. ${rule.says}`).join("\n");
    throw new pulumi.RunError(`${args.name} breaks a rule of this project (policy/rules.ts):\n${said}`);
  });
}
