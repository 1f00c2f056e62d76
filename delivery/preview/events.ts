import { z } from "zod";
import { parsedJson } from "../../components/parsed-json.ts";

const state = z.object({
  parent: z.string().default(""),
  outputs: z.record(z.string(), z.unknown()).default({}),
});

const metadata = z.object({
  op: z.string(),
  urn: z.string(),
  type: z.string(),
  old: state.nullish(),
  new: state.nullish(),
  /** The inputs that differ. */
  diffs: z.array(z.string()).nullish(),
});

const policyEvent = z.object({
  message: z.string(),
  policyName: z.string(),
  resourceUrn: z.string().default(""),
  enforcementLevel: z.string(),
});

const diagnosticEvent = z.object({
  message: z.string(),
  severity: z.string(),
  ephemeral: z.boolean().default(false),
});

const engineEvent = z.object({
  resourcePreEvent: z.object({ metadata }).optional(),
  resOutputsEvent: z.object({ metadata }).optional(),
  policyEvent: policyEvent.optional(),
  diagnosticEvent: diagnosticEvent.optional(),
  summaryEvent: z.object({ resourceChanges: z.record(z.string(), z.number()).nullable() }).optional(),
});

export type Step = z.output<typeof metadata>;
export type PolicyEvent = z.output<typeof policyEvent>;

/** What the engine said of one preview. */
export interface Events {
  /** What is to be done with each resource, in the engine's order. A refresh's finding stands in place of the step. */
  readonly steps: readonly Step[];
  /** The stack's own outputs: before, and as planned. */
  readonly outputs: {
    readonly before: Readonly<Record<string, unknown>>;
    readonly planned: Readonly<Record<string, unknown>>;
  };
  readonly policy: readonly PolicyEvent[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** False where the engine never came to its summary: the preview broke off. */
  readonly complete: boolean;
}

const STACK = "pulumi:pulumi:Stack";

/** `undefined` for what is not the engine's: npm's and plugins' own lines. */
function parseLine(line: string): z.output<typeof engineEvent> | undefined {
  return engineEvent.safeParse(parsedJson(line)).data;
}

/** Reads the events of `pulumi preview --json` with PULUMI_ENABLE_STREAMING_JSON_PREVIEW: one JSON document a line. */
export function readEvents(text: string): Events {
  const events = text.split("\n").flatMap((line) => (line.startsWith("{") ? (parseLine(line) ?? []) : []));
  const steps = new Map<string, Step>();
  for (const { resourcePreEvent, resOutputsEvent } of events) {
    if (resourcePreEvent !== undefined) {
      const { metadata: step } = resourcePreEvent;
      // A replacement comes in three steps of one resource; the first names it.
      const key = step.urn;
      if (!steps.has(key) || steps.get(key)?.op === "refresh") steps.set(key, step);
    }
    const done = resOutputsEvent?.metadata;
    if (done !== undefined && steps.get(done.urn)?.op === "refresh") steps.set(done.urn, done);
  }
  const stacks = events.flatMap(({ resOutputsEvent, resourcePreEvent }) =>
    [resourcePreEvent?.metadata, resOutputsEvent?.metadata].filter((step) => step?.type === STACK),
  );
  const diagnostics = events.flatMap(({ diagnosticEvent: one }) => (one && !one.ephemeral ? [one] : []));
  const messages = (severity: string) =>
    diagnostics.filter((one) => one.severity === severity).map(({ message }) => plain(message));
  return {
    steps: [...steps.values()].filter(({ type }) => type !== STACK),
    outputs: {
      before: stacks[0]?.old?.outputs ?? {},
      planned: stacks.at(-1)?.new?.outputs ?? {},
    },
    policy: events.flatMap(({ policyEvent: one }) => (one ? [{ ...one, message: plain(one.message) }] : [])),
    errors: messages("error"),
    warnings: messages("warning"),
    complete: events.some(({ summaryEvent }) => summaryEvent !== undefined),
  };
}

/** Without the engine's colour tags, and without the space around. */
const plain = (text: string) => text.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
