import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { positive } from "../command-options.ts";

export function addShow(program: Command): void {
  stackCommand(
    program,
    "status",
    "both slots, the live colour, health, ages, and what was left in the middle",
  )
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen status --stack prod
  $ npx bluegreen status --json`,
    )
    .action(async ({ stack, json }) => {
      const { renderStatus, status } = await import("./status.ts");
      await run(json, async () => {
        const result = await status(stack, process.cwd());
        return { result, text: renderStatus(result, Date.now()) };
      });
    });
  stackCommand(program, "history", "the releases on record, the last first")
    .option("-n, --count <number>", "how many", positive, 20)
    .addHelpText(
      "after",
      `
With --json: all of them, the first first, whatever --count says.

Examples:
  $ npx bluegreen history --stack prod
  $ npx bluegreen history --count 5
  $ npx bluegreen history --json`,
    )
    .action(async ({ stack, json, count }) => {
      const { history, renderHistory } = await import("./history.ts");
      await run(json, async () => {
        const result = await history(stack, process.cwd());
        return { result, text: renderHistory(result, count) };
      });
    });
  stackCommand(program, "diff", "what changed between two releases")
    .argument("<a>", "a release id")
    .argument("<b>", "another")
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen diff 41 42 --stack prod
  $ npx bluegreen diff 41 42 --json`,
    )
    .action(async (a, b, { stack, json }) => {
      const { difference, history, renderDifference } = await import("./history.ts");
      await run(json, async () => {
        const result = difference(await history(stack, process.cwd()), a, b);
        return { result, text: renderDifference(result, a, b) };
      });
    });
}
