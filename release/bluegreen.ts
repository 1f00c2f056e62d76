#!/usr/bin/env node
import { styleText } from "node:util";
import { messageOf } from "../components/message-of.ts";
import { cutOff, listenForSignals } from "./cut-off.ts";
import { makeProgram } from "./program.ts";
import { EXIT, Failure, Refusal } from "./outcome.ts";

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
  const code = say(error);
  process.exitCode = cutOff.aborted ? EXIT.interrupted : code;
}

function say(error: unknown): number {
  const red = (text: string): string => styleText("red", text, { stream: process.stderr });
  const text = messageOf(error);
  process.stderr.write(`${red(text)}\n`);
  if (error instanceof Refusal) {
    process.stderr.write(`  fix: ${error.fix}\n`);
    return EXIT.refused;
  }
  if (!(error instanceof Failure) && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  return EXIT.failed;
}
