import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";

/** What an engine's event says to a person. */
export type Word =
  /** The engine begins with, or ended, one resource. */
  | { readonly kind: "begins" | "ended"; readonly name: string; readonly what: string }
  /** A script's own line, such as the switch's `flip: blue to green (17 ms)`. */
  | { readonly kind: "said"; readonly text: string }
  | { readonly kind: "warned"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string };

const QUIET = new Set(["same", "read", "refresh"]);
/** Of a replacement the engine tells three steps; this one says it all. */
const PARTS = new Set(["create-replacement", "delete-replaced"]);

/** `undefined` for what nobody needs to see. */
export function wordOf(event: EngineEvent): Word | undefined {
  const { resourcePreEvent: before, resOutputsEvent: after, diagnosticEvent: said } = event;
  const step = (before ?? after)?.metadata;
  if (step !== undefined) {
    const op: string = step.op;
    if (QUIET.has(op) || PARTS.has(op) || step.type.startsWith("pulumi:pulumi:Stack")) return undefined;
    return { kind: before === undefined ? "ended" : "begins", name: nameOf(step.urn), what: op };
  }
  if (said === undefined || said.ephemeral === true) return undefined;
  const text = plain(said.message);
  if (text === "") return undefined;
  switch (said.severity) {
    case "error":
      return { kind: "failed", text };
    case "warning":
      return { kind: "warned", text };
    case "info":
    case "info#err":
      return { kind: "said", text };
    default:
      return undefined;
  }
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

const ESCAPES = new RegExp(String.raw`${String.fromCharCode(27)}\[[0-9;]*m|<\{%[a-z]*%\}>`, "g");

/** Without colours, neither the terminal's nor the engine's own marks. */
function plain(message: string): string {
  return message.replaceAll(ESCAPES, "").trim();
}

/** Collects what a run of the engine did and said. */
export class Heard {
  readonly changes: { readonly name: string; readonly what: string }[] = [];
  readonly failures: string[] = [];
  readonly #tell: (word: Word) => void;

  constructor(tell: (word: Word) => void = () => undefined) {
    this.#tell = tell;
  }

  readonly onEvent = (event: EngineEvent): void => {
    const word = wordOf(event);
    if (word === undefined) return;
    if (word.kind === "begins") this.changes.push({ name: word.name, what: word.what });
    if (word.kind === "failed") this.failures.push(word.text);
    this.#tell(word);
  };
}
