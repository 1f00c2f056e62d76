import { messageOf } from "../components/message-of.ts";
import type { Progress } from "./terminal.ts";
import { Heard } from "./progress.ts";
import { Failure, Refusal } from "./outcome.ts";
import { type Stack, preview, update } from "./stack.ts";

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

/** Carries out what the config says. @throws Failure with what went wrong, `Failure.began` telling whether anything had begun */
export async function carriedOut(
  stack: Stack,
  message: string,
  progress: Progress,
  stop?: AbortSignal,
): Promise<Ran> {
  progress.step("update");
  const heard = new Heard(progress.word);
  const began = performance.now();
  try {
    await update(stack, message, heard.onEvent, stop);
  } catch (error) {
    const [what, fix] = explain(stack, heard, error);
    if (heard.changes.length === 0) throw new Refusal(what, fix);
    throw new Failure(what);
  }
  return { heard, milliseconds: performance.now() - began };
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
