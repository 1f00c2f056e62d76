import { type Command } from "@commander-js/extra-typings";
import { cutOff } from "./cut-off.ts";
import { endOf, renderEnd } from "./outcome.ts";
import { makeProgress, type Progress } from "./terminal.ts";

/** A command with what all have. */
export function stackCommand(program: Command, name: string, description: string) {
  return program
    .command(name)
    .description(description)
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "one JSON document on stdout");
}

interface Told {
  readonly result: unknown;
  readonly text: string;
}

/**
 * Prints what the work came to. With `json` there is one document whatever becomes of it: the result, or `{"error": …}`.
 * @throws what the work throws
 */
export async function run(
  json: true | undefined,
  work: (progress: Progress) => Promise<Told>,
): Promise<void> {
  const progress = makeProgress();
  try {
    const { result, text } = await work(progress);
    progress.end();
    process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : text);
  } catch (error) {
    if (json === true) process.stdout.write(renderEnd(endOf(error, cutOff.aborted)));
    throw error;
  } finally {
    progress.end();
  }
}
