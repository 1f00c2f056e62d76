import { exitCode, renderScans } from "./findings.ts";
import { lookForSecrets } from "./secrets.ts";

const scan = await lookForSecrets("staged", process.cwd());
if (scan.kind !== "clean") process.stdout.write(renderScans([scan]));
process.exitCode = exitCode([scan]);
