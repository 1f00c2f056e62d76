#!/usr/bin/env node
import { styleText } from "node:util";
import { cutOff, listenForSignals } from "./cut-off.ts";
import { makeProgram } from "./program.ts";
import { EXIT, Failure, Refusal, endOf } from "./outcome.ts";

listenForSignals(
  (text) => process.stderr.write(`\n${text}\n`),
  () => process.exit(EXIT.interrupted),
);
// A terminal that is gone must not end what is being put back.
process.stderr.on("error", () => undefined);
process.stdout.on("error", () => undefined);

try {
  await makeProgram().parseAsync();
  // What is left undone then was said; a builder has to see it too.
  if (cutOff.aborted) process.exitCode = EXIT.interrupted;
} catch (error) {
  const red = (text: string): string => styleText("red", text, { stream: process.stderr });
  const { message, exitCode } = endOf(error, cutOff.aborted);
  process.stderr.write(`${red(message)}\n`);
  if (error instanceof Refusal) process.stderr.write(`  fix: ${error.fix}\n`);
  // A mistake of ours.
  else if (!(error instanceof Failure) && error instanceof Error)
    process.stderr.write(`${error.stack ?? ""}\n`);
  process.exitCode = exitCode;
}
