import { appendFileSync } from "node:fs";

/**
 * Lines for the file that a step of a workflow gives its outputs in.
 * @throws Error for a value with a line break, by which one output could name another
 */
export function renderOutputs(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (/[\r\n]/.test(value)) throw new Error(`the output ${name} has more than one line`);
      return `${name}=${value}\n`;
    })
    .join("");
}

/** A line that people are to see: where the outputs go into a workflow's file, it stands on the run's own page. */
export function renderNotice(text: string, file: string | undefined): string {
  return file === undefined ? `${text}\n` : `::notice::${text.replaceAll("\n", " ")}\n`;
}

/** Outputs go to the workflow's file where there is one, else onto the terminal. */
export function writeOutputs(values: Readonly<Record<string, string>>, file: string | undefined): void {
  const text = renderOutputs(values);
  if (file === undefined) process.stdout.write(text);
  else appendFileSync(file, text);
}
