import { join } from "node:path";
import { findCheckTool, findZizmor } from "../setup/check-tools.ts";
import { attempt, which } from "../setup/commands.ts";
import { paths } from "../setup/paths.ts";

/** What one of the checkers said of the files; empty where it has nothing against them. */
export interface Verdict {
  readonly checker: "actionlint" | "zizmor";
  readonly output: string;
}

const CONFIG = join(paths.checkout, ".github/zizmor.yml");

function needed(program: string, path: string | undefined): string {
  if (path === undefined) throw new Error(`${program} is not here: run \`make check\` once, which gets it`);
  return path;
}

/** actionlint knows workflows alone; what composite actions say is zizmor's to judge. */
const isWorkflow = (file: string) => !/(^|\/)action\.yml$/.test(file);

/**
 * Asks actionlint (is it a workflow at all, and are its scripts sound) and zizmor (may anybody misuse it) about workflow files.
 * Nothing is asked of the network: the same files give the same answer on any day.
 * @throws Error where a checker is missing
 */
export async function checkWorkflows(files: readonly string[], cwd: string): Promise<readonly Verdict[]> {
  const [actionlint, zizmor, shellcheck] = await Promise.all([
    findCheckTool("actionlint"),
    findZizmor(),
    which("shellcheck"),
  ]);
  const asked = [
    {
      checker: "actionlint" as const,
      program: needed("actionlint", actionlint),
      args: [
        "-no-color",
        "-shellcheck",
        needed("shellcheck", shellcheck),
        "-pyflakes",
        "",
        ...files.filter(isWorkflow),
      ],
    },
    {
      checker: "zizmor" as const,
      program: needed("zizmor", zizmor),
      args: [
        "--offline",
        "--no-progress",
        "--color=never",
        "--pedantic",
        "--strict-collection",
        "--config",
        CONFIG,
        ...files,
      ],
    },
  ];
  return Promise.all(
    asked.map(async ({ checker, program, args }) => {
      const { ok, output } = await attempt(program, args, { cwd });
      return { checker, output: ok ? "" : output };
    }),
  );
}
