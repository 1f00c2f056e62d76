import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../components/message-of.ts";
import { CommandError, readIfThere, tail } from "./commands.ts";
import { type Outcome, type Reporter, StepError } from "./steps.ts";

const LOG_LINES = 20;

/** One line of progress. */
export function progressLine(step: string, what: string, note = ""): string {
  return `  ${step.padEnd(16)} ${what.padEnd(10)} ${note}`.trimEnd();
}

/** Progress on stderr: stdout belongs to what a command prints as its result. */
export function terminalReporter(logs: string): Reporter {
  const write = (line: string) => process.stderr.write(`${line}\n`);
  const logOf = (step: string) => join(logs, `${step.replaceAll(/[^\w.-]/g, "-")}.log`);
  return {
    log(step) {
      mkdirSync(logs, { recursive: true });
      writeFileSync(logOf(step), "");
      return logOf(step);
    },
    say: (step, text) => write(progressLine(step, "…", text)),
    done(step, { how, note }: Outcome, seconds) {
      write(progressLine(step, how, [note, `(${seconds.toFixed(1)} s)`].filter(Boolean).join(" ")));
    },
    async failed(step, error) {
      write(progressLine(step, "FAILED", messageOf(error)));
      const output = error instanceof CommandError ? error.output : await readIfThere(logOf(step));
      if (output?.trim()) write(tail(output, LOG_LINES).replaceAll(/^/gm, "    | "));
      if (error instanceof StepError) write(`    to mend it: ${error.advice}`);
      else write(`    the whole log: ${logOf(step)}; running the same command again goes on from here`);
    },
  };
}
