#!/usr/bin/env node
import { styleText } from "node:util";
import { makeProgram } from "./program.ts";
import { EXIT, Failure, Refusal } from "./outcome.ts";

const cutOff = new AbortController();
for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The engine got it too, and ends what it is doing; what then stands is put back or said by the command.
    if (cutOff.signal.aborted) process.exit(EXIT.interrupted);
    cutOff.abort();
    process.stderr.write(
      `\n${signal}: waiting for the engine to end its step; once more leaves everything as it stands\n`,
    );
  });
}
// A terminal that is gone must not end what is being put back.
process.stderr.on("error", () => undefined);
process.stdout.on("error", () => undefined);

try {
  await makeProgram().parseAsync();
} catch (error) {
  const code = say(error);
  process.exitCode = cutOff.signal.aborted ? EXIT.interrupted : code;
}

function say(error: unknown): number {
  const red = (text: string): string => styleText("red", text, { stream: process.stderr });
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${red(text)}\n`);
  if (error instanceof Refusal) {
    process.stderr.write(`  fix: ${error.fix}\n`);
    return EXIT.refused;
  }
  if (!(error instanceof Failure) && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  return EXIT.failed;
}
