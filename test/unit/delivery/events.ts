/** Events as `pulumi preview --json` streams them, no more of each than is read. */
const PREFIX = "urn:pulumi:prod::bluegreen::";
export const urnOf = (type: string, name: string) => `${PREFIX}${type}::${name}`;

interface Resource {
  readonly op: string;
  readonly name: string;
  readonly type?: string;
  readonly parent?: string;
  readonly diffs?: readonly string[];
}

export function stepEvent({
  op,
  name,
  type = "command:local:Command",
  parent = "",
  diffs,
}: Resource): object {
  const state = { parent: parent === "" ? "" : urnOf("x:y:Z", parent), outputs: {} };
  const [before, after] = [op === "create" ? null : state, op === "delete" ? null : state];
  return {
    resourcePreEvent: {
      metadata: { op, urn: urnOf(type, name), type, old: before, new: after, diffs },
      planning: true,
    },
  };
}

/** The stack's own events: its outputs before, and as planned. */
export function stackEvents(before: object | null, planned: object): readonly object[] {
  const type = "pulumi:pulumi:Stack";
  const metadata = { op: "same", urn: urnOf(type, "bluegreen-prod"), type };
  const old = before === null ? null : { parent: "", outputs: before };
  return [
    { resourcePreEvent: { metadata: { ...metadata, old, new: { parent: "", outputs: {} } } } },
    { resOutputsEvent: { metadata: { ...metadata, old, new: { parent: "", outputs: planned } } } },
  ];
}

export const SUMMARY = { summaryEvent: { resourceChanges: { same: 1 }, maybeCorrupt: false } };

export const streamed = (events: readonly object[]) => events.map((one) => JSON.stringify(one)).join("\n");
