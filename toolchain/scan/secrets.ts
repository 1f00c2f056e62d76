import { findCheckTool } from "../setup/check-tools.ts";
import { attempt } from "../setup/commands.ts";
import { type Scan, readGitleaks } from "./findings.ts";

const LIMIT_MS = 300_000;

/**
 * Looks for secrets in what is about to be committed, or in all that ever was. What it finds is named by place and rule;
 * the secret itself is in no output.
 */
export async function lookForSecrets(where: "staged" | "history", cwd: string): Promise<Scan> {
  const what = where === "staged" ? "secrets in what is staged" : "secrets in every commit";
  const tool = await findCheckTool("gitleaks");
  if (tool === undefined)
    return { kind: "not asked", what, why: "gitleaks is not here: run `make check` once" };
  const report = [
    "--report-format",
    "json",
    "--report-path",
    "-",
    "--redact",
    "--no-banner",
    "--log-level",
    "error",
  ];
  const range = where === "staged" ? ["--staged", "--pre-commit"] : [];
  const { stdout } = await attempt(tool, ["git", ...range, ...report, "."], { cwd, timeoutMs: LIMIT_MS });
  return readGitleaks(what, stdout);
}
