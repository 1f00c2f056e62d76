import { readFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../setup/paths.ts";
import { renderShares, sharesOf } from "./share.ts";

// The commands of `release/` run whole in test/e2e/11, as processes of their own, which the unit tests' share does not count.
const WANTED_PERCENT: Readonly<Record<string, number>> = { components: 90, release: 55 };

const text = readFileSync(join(paths.checkout, "coverage/coverage-summary.json"), "utf8");
const shares = sharesOf(text, paths.checkout, Object.keys(WANTED_PERCENT));
const wanted = (folder: string): number => WANTED_PERCENT[folder] ?? 100;
for (const share of shares) process.stdout.write(renderShares([share], wanted(share.folder)));
// A report of nothing at all is no proof.
process.exitCode =
  shares.length > 0 && shares.every(({ folder, percent }) => percent >= wanted(folder)) ? 0 : 1;
