import { cp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { paths } from "../setup/paths.ts";
import { renderShares, sharesOf } from "./share.ts";

const folder = join(paths.checkout, "coverage");
/** What test/support/command-coverage.ts keeps of each command that the end-to-end tests run. */
const commands = join(folder, "commands");
const WANTED_PERCENT = {
  // The commands of release/ are run whole, and by the end-to-end tests.
  unit: { components: 90, release: 55 },
  whole: { components: 90, release: 90 },
} as const;

const [, , scope] = process.argv;
switch (scope) {
  case "begin":
    await rm(commands, { recursive: true, force: true });
    break;
  case "unit":
    judge(WANTED_PERCENT.unit);
    break;
  case "whole":
    await cp(commands, join(folder, "raw"), { recursive: true });
    await execa("c8", ["report"], { cwd: paths.checkout, preferLocal: true, stdio: "inherit" });
    judge(WANTED_PERCENT.whole);
    break;
  case undefined:
  default:
    throw new Error("known are begin, unit and whole");
}

function judge(wanted: Readonly<Record<string, number>>): void {
  const text = readFileSync(join(folder, "coverage-summary.json"), "utf8");
  const shares = sharesOf(text, paths.checkout, Object.keys(wanted));
  const least = (name: string): number => wanted[name] ?? 100;
  for (const share of shares) process.stdout.write(renderShares([share], least(share.folder)));
  // A report of nothing at all is no proof.
  process.exitCode =
    shares.length > 0 && shares.every(({ folder: name, percent }) => percent >= least(name)) ? 0 : 1;
}
