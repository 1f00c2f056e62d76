import { z } from "zod";

const lines = z.object({ total: z.number(), covered: z.number() });
const summary = z.record(z.string(), z.object({ lines }));

/** How much of a folder's code some test runs. */
export interface Share {
  readonly folder: string;
  readonly percent: number;
  /** The files with the most lines that no test runs, worst first. */
  readonly worst: readonly { readonly file: string; readonly missed: number }[];
}

const WORST = 5;

/**
 * The share of each folder's lines, from c8's `coverage-summary.json`. Each folder counts for itself: a well-tested one
 * does not make up for another. One without any file is left out.
 * @param root the checkout, which the summary's names begin with
 */
export function sharesOf(text: string, root: string, folders: readonly string[]): readonly Share[] {
  const files = Object.entries(summary.parse(JSON.parse(text))).map(([name, file]) => ({
    file: name.replace(`${root}/`, ""),
    ...file.lines,
  }));
  return folders.flatMap((folder) => {
    const own = files.filter(({ file }) => file.startsWith(`${folder}/`));
    const total = own.reduce((sum, one) => sum + one.total, 0);
    if (total === 0) return [];
    const covered = own.reduce((sum, one) => sum + one.covered, 0);
    const worst = own
      .map(({ file, total: all, covered: hit }) => ({ file, missed: all - hit }))
      .filter(({ missed }) => missed > 0)
      .sort((a, b) => b.missed - a.missed)
      .slice(0, WORST);
    return [{ folder, percent: (covered / total) * 100, worst }];
  });
}

export function renderShares(shares: readonly Share[], wantedPercent: number): string {
  return shares
    .map(({ folder, percent, worst }) => {
      const head = `${folder}/: ${percent.toFixed(1)} % of lines`;
      if (percent >= wantedPercent) return `${head}\n`;
      const files = worst.map(({ file, missed }) => `  ${file}: ${missed} lines\n`).join("");
      return `${head}, less than ${wantedPercent} %; no test runs, of\n${files}`;
    })
    .join("");
}
