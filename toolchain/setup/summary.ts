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

/** The line by which other programs know how it went. */
export function closingLine(all: readonly Counts[]): string {
  const total = all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
  return `${total.passed} passed, ${total.failed} failed`;
}
