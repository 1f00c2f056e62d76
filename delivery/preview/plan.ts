import { z } from "zod";
import { STACKS, type StackName } from "../branches.ts";
import type { Events, Step } from "./events.ts";

/** Whether visitors would notice: the question that a reviewer has first. */
const liveVerdict = z.discriminatedUnion("kind", [
  /** Nothing serves yet. */
  z.object({ kind: z.literal("first") }),
  z.object({ kind: z.literal("untouched"), live: z.string() }),
  /** The switch runs: visitors may move. */
  z.object({ kind: z.literal("switched"), live: z.string(), to: z.string() }),
  /** Containers that serve now are changed, replaced or removed. */
  z.object({ kind: z.literal("touched"), live: z.string(), resources: z.array(z.string()).readonly() }),
]);
export type LiveVerdict = Readonly<z.output<typeof liveVerdict>>;

const texts = z.array(z.string()).readonly();

/** What the pull request's comment says of one stack; kept as a file between the jobs, and read with suspicion. */
export const stackPlan = z.object({
  stack: z.enum(STACKS),
  steps: z.array(z.object({ op: z.string(), type: z.string(), name: z.string(), diffs: texts })).readonly(),
  /** How many resources stay as they are. */
  same: z.number(),
  memory: z.string(),
  cost: z.string(),
  live: liveVerdict,
  policy: texts,
  errors: texts,
  warnings: texts,
});
export type StackPlan = Readonly<z.output<typeof stackPlan>>;

const outputs = z.object({
  live: z.string().optional().catch(undefined),
  plan: z.object({ memory: z.string().optional(), cost: z.string().optional() }).catch({}),
});

const SAME = ["same", "read", "refresh", "discard", "read-discard"];
const CONTAINER = "docker:index/container:Container";

const nameOf = (urn: string) => urn.split("::").at(-1) ?? "";
const parentOf = (step: Step) => nameOf(step.new?.parent ?? step.old?.parent ?? "");

/** The containers of the live colour, and those that both colours share: whoever changes them, changes what serves. */
function serves(step: Step, live: string): boolean {
  const parent = parentOf(step);
  const shared = step.type === CONTAINER && (parent === "data" || parent === "gateway");
  return parent === `slot-${live}` || shared;
}

function judge(changed: readonly Step[], live: string | undefined, wanted: string): LiveVerdict {
  if (live === undefined) return { kind: "first" };
  const touched = changed.filter((step) => serves(step, live));
  if (touched.length > 0)
    return { kind: "touched", live, resources: touched.map((step) => `${step.op} ${nameOf(step.urn)}`) };
  if (changed.some(({ urn }) => nameOf(urn) === "switch-flip")) return { kind: "switched", live, to: wanted };
  return { kind: "untouched", live };
}

/**
 * What a preview plans for a stack.
 * @param active the colour that the stack's config asks for
 */
export function planOf(stack: StackName, events: Events, active: string): StackPlan {
  const changed = events.steps.filter(({ op }) => !SAME.includes(op));
  const planned = outputs.parse(events.outputs.planned);
  const before = outputs.parse(events.outputs.before);
  const errors = events.complete ? events.errors : [...events.errors, "the preview broke off before its end"];
  return {
    stack,
    steps: changed.map(({ op, urn, type, diffs }) => ({
      op,
      type: type.split(":").at(-1) ?? type,
      name: nameOf(urn),
      diffs: diffs ?? [],
    })),
    same: events.steps.length - changed.length,
    memory: planned.plan.memory ?? before.plan.memory ?? "unknown",
    cost: planned.plan.cost ?? before.plan.cost ?? "nothing is rented",
    live: judge(changed, before.live, active),
    policy: events.policy
      .filter(({ enforcementLevel }) => enforcementLevel === "mandatory")
      .map(({ policyName, resourceUrn, message }) => `${policyName}: ${nameOf(resourceUrn)}: ${message}`),
    errors,
    warnings: events.warnings,
  };
}

/** Whether a stack may be updated as planned. */
export const isSound = ({ errors, policy }: StackPlan) => errors.length === 0 && policy.length === 0;
