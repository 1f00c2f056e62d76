import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import path from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Preloaded into a command of this repository (`--import`), keeps which lines of our own it ran, in V8's format. NODE_V8_COVERAGE would do
 * so in the engine and every program it starts, and of every package they load.
 */
const repository = new URL("../..", import.meta.url);
export const COMMAND_COVERAGE = path.join(fileURLToPath(repository), "coverage/commands");

const ours = ["release/", "components/"].map((folder) => new URL(folder, repository).href);
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

process.on("exit", () => {
  session.post("Profiler.takePreciseCoverage", (error, coverage) => {
    if (error !== null) return;
    const result = coverage.result.filter(({ url }) => ours.some((folder) => url.startsWith(folder)));
    mkdirSync(COMMAND_COVERAGE, { recursive: true });
    writeFileSync(path.join(COMMAND_COVERAGE, `coverage-${randomUUID()}.json`), JSON.stringify({ result }));
  });
});
