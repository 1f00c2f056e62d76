import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ALLOWED } from "./allowed.ts";
import { compareStacks, renderDifferences } from "./compare.ts";
import { readStackFile } from "./stack-file.ts";

const checkout = join(import.meta.dirname, "../..");
const STACKS = ["dev", "staging", "prod"];

const files = STACKS.map((stack) => {
  const text = readFileSync(join(checkout, `Pulumi.${stack}.yaml`), "utf8");
  return { stack, file: readStackFile(text, stack, "bluegreen") };
});
const wrong = files.flatMap(({ stack, file }) =>
  file.kind === "wrong" ? [`${stack}:\n${file.report}`] : [],
);
const read = files.flatMap(({ stack, file }) =>
  file.kind === "read" ? [[stack, file.settings] as const] : [],
);
const found = compareStacks(Object.fromEntries(read), ALLOWED);
const refused = found.filter(({ reason }) => reason === undefined);
const quiet = process.argv.includes("--quiet");
const report = renderDifferences(quiet ? refused : found);
process.stdout.write([...wrong, report].join("\n").trimStart());
const bad = wrong.length + refused.length;
process.stdout.write(`${STACKS.join(", ")}: ${found.length} differences, ${bad} that may not be\n`);
process.exitCode = bad > 0 ? 1 : 0;
