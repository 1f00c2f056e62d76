import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";
import { messageOf } from "../components/message-of.ts";
import { cutOff } from "./cut-off.ts";
import type { Progress } from "./terminal.ts";
import { Heard } from "./progress.ts";
import { Failure, Refusal } from "./outcome.ts";
import { type Edit, type Stack, type Updating, preview, update } from "./stack.ts";

export interface Ran {
  readonly heard: Heard;
  readonly milliseconds: number;
}

/** What the update would change. @throws Refusal with what the program says against it: nothing was changed */
export async function planned(stack: Stack, progress: Progress): Promise<Ran> {
  progress.step("plan");
  const heard = new Heard();
  const began = performance.now();
  try {
    await preview(stack, heard.onEvent);
  } catch (error) {
    throw new Refusal(...explain(stack, heard, error));
  }
  return { heard, milliseconds: performance.now() - began };
}

/** An update that a command came to carry out, as against one that puts back. */
export interface Forward {
  readonly edit: Pick<Edit, "stillOurs">;
  readonly stop: AbortSignal;
}

/**
 * Carries out what the config says. `forward` is not begun where the command was cut off already, or somebody else wrote the file.
 * @throws Refusal where nothing had begun; Failure with what went wrong
 */
export async function carriedOut(
  stack: Updating,
  message: string,
  progress: Progress,
  forward?: Forward,
): Promise<Ran> {
  await forward?.edit.stillOurs();
  if (forward !== undefined && cutOff.aborted) {
    throw new Refusal("cut off before the update began", "the same again");
  }
  progress.step("update");
  const heard = new Heard(progress.word);
  const began = performance.now();
  outliveTerminal(stack);
  try {
    await update(stack, message, heard.onEvent, forward && heardLate(forward.stop));
  } catch (error) {
    const [what, fix] = explain(stack, heard, error);
    if (heard.changes.length === 0) throw new Refusal(what, fix);
    throw new Failure(what);
  }
  return { heard, milliseconds: performance.now() - began };
}

/**
 * Lets the engine's updates go on where their terminal is lost. By itself the engine ends there at once, and leaves its lock; a process
 * group of its own is not to be had, because the Automation API hands nothing but environment and folder to whoever starts it.
 */
function outliveTerminal({ engine }: Updating): void {
  if (!("workspace" in engine) || !(engine.workspace instanceof LocalWorkspace)) return;
  Object.assign(engine.workspace.pulumiCommand, { command: join(import.meta.dirname, "engine.sh") });
}

/**
 * The same signal, for whoever begins to listen after it was given. The Automation API does once the engine's process is there, and does
 * not ask what was before (automation/cmd.js): the update would run to its end.
 */
function heardLate(signal: AbortSignal): AbortSignal {
  const heard = new AbortController().signal;
  heard.addEventListener = (type: string, listener: () => void) => {
    if (signal.aborted) listener();
    else signal.addEventListener(type, listener);
  };
  return heard;
}

/**
 * Puts an edit back and carries that out; what somebody else wrote since is left to them.
 * @returns why it is not as it was; `undefined` where it is
 */
export async function carriedBack(
  stack: Updating,
  edit: Pick<Edit, "putBack">,
  message: string,
  progress: Progress,
): Promise<string | undefined> {
  if (!(await edit.putBack())) return `somebody else changed Pulumi.${stack.name}.yaml meanwhile, look at it`;
  return await carriedOut(stack, message, progress).then(() => undefined, messageOf);
}

const LOCKED = /the stack is currently locked|Another update is currently in progress/;

/** What went wrong and what to type, from the engine's own words. */
export function explain(
  { name }: Pick<Stack, "name">,
  { failures }: Pick<Heard, "failures">,
  error: unknown,
): readonly [what: string, fix: string] {
  const all = messageOf(error);
  if (LOCKED.test(all)) {
    return [
      `another update of ${name} runs, or was killed and left its lock`,
      `wait for it; where nobody runs one: pulumi cancel --stack ${name}, then this again`,
    ];
  }
  const said = failures.filter((text) => !/^update failed$|^preview failed$/.test(text));
  if (said.length > 0) return [said.join("\n"), "mend what it names, then this again"];
  const lines = all.split("\n").filter((line) => /error/i.test(line));
  return [
    (lines.length > 0 ? lines : all.split("\n").slice(-5)).join("\n"),
    "mend what it names, then this again",
  ];
}
