export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const ESCAPES = new RegExp(String.raw`${String.fromCharCode(27)}\[[0-9;]*m`, "g");

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}

/**
 * The tests of one run, from the closing lines of mocha and pytest. A run that failed and counted no failure (it broke
 * before it could, or is no test runner at all) is one failure; one that passed and counted nothing is one pass.
 */
export function countResults(output: string, exitCode: number): Counts {
  const text = output.replaceAll(ESCAPES, "");
  // "12 passing (3s)" and "1 failing" stand on lines of their own; "== 3 passed, 1 failed, 2 errors in 0.5s ==" does not.
  const pytest = text
    .split("\n")
    .filter((line) => /^=* ?\d+ (passed|failed|error).* in [\d.]+s/.test(line))
    .join("\n");
  const passed = sum(text, /^\s*(\d+) passing\b/gm) + sum(pytest, /\b(\d+) passed/g);
  const failed = sum(text, /^\s*(\d+) failing\b/gm) + sum(pytest, /\b(\d+) (?:failed|errors?)/g);
  if (exitCode !== 0) return { passed, failed: Math.max(failed, 1) };
  return { passed: passed + failed === 0 ? 1 : passed, failed };
}

/**
 * What went wrong in a run that failed: mocha's list of failures, of anything else the end. At most `maxLines`, without colours.
 * It is said again at the end of everything, because builders keep no more than the end.
 */
export function failureText(output: string, maxLines = 30): string {
  const lines = output.replaceAll(ESCAPES, "").trimEnd().split("\n");
  const list = lines.findIndex((line) => /^\s*\d+ failing\b/.test(line));
  return (list === -1 ? lines.slice(-maxLines) : lines.slice(list, list + maxLines)).join("\n");
}

/**
 * The failed tests of a run by name, a line of at most `columns` each; of what is no test runner, nothing. They are for
 * the very end: some builders keep a thousand characters of it.
 */
export function failureNames(output: string, columns = 80): readonly string[] {
  const text = output.replaceAll(ESCAPES, "");
  const [, ...blocks] = text.replace(/^[^]*?^ *\d+ failing\b.*$/m, "").split(/^ {2}\d+\) /m);
  const mocha = blocks.map((block) => /^[^]*?(?=:\n)/.exec(block)?.[0].replaceAll(/\n */g, " › ") ?? block);
  const pytest = [...text.matchAll(/^(?:FAILED|ERROR) (\S+::\S+)/gm)].map((match) => match[1] ?? "");
  const short = (name: string) => (name.length > columns ? `${name.slice(0, columns - 1)}…` : name);
  return [...mocha, ...pytest].map(short);
}

/** The line by which other programs know how it went. */
export function closingLine(all: readonly Counts[]): string {
  const total = all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
  return `${total.passed} passed, ${total.failed} failed`;
}
