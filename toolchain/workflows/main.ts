import { globSync } from "node:fs";
import { paths } from "../setup/paths.ts";
import { checkWorkflows } from "./check.ts";

const files = globSync(".github/{workflows,actions}/**/*.yml", { cwd: paths.checkout }).sort();
const verdicts = await checkWorkflows(files, paths.checkout);
for (const { checker, output } of verdicts)
  if (output !== "") process.stdout.write(`${checker}:\n${output}\n`);
const bad = verdicts.filter(({ output }) => output !== "");
process.stdout.write(`${files.length} workflow files: ${bad.length} checkers have something to say\n`);
process.exitCode = bad.length > 0 ? 1 : 0;
