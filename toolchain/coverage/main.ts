import { readFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../setup/paths.ts";
import { renderShares, sharesOf } from "./share.ts";

const FOLDERS = ["components", "release"];
const WANTED_PERCENT = 90;

const text = readFileSync(join(paths.checkout, "coverage/coverage-summary.json"), "utf8");
const shares = sharesOf(text, paths.checkout, FOLDERS);
process.stdout.write(renderShares(shares, WANTED_PERCENT));
// A report of nothing at all is no proof.
process.exitCode = shares.length > 0 && shares.every(({ percent }) => percent >= WANTED_PERCENT) ? 0 : 1;
