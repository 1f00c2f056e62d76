import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { EXIT } from "../outcome.ts";
import { whoami } from "../whoami.ts";

export function addMessages(program: Command): void {
  stackCommand(program, "messages", "whether the stack's channels get what they are sent")
    .requiredOption("--test", "send each of them a message that says it is a test")
    .addHelpText(
      "after",
      `
Exit code ${EXIT.failed} where a channel was not reached.

Examples:
  $ npx bluegreen messages --test --stack prod
  $ npx bluegreen messages --test --json`,
    )
    .action(async ({ stack, json }) => {
      const { testMessages } = await import("./test.ts");
      await run(json, async ({ line }) => {
        const result = await testMessages(stack, process.cwd(), await whoami(), line);
        const { channels, missed } = result;
        if (missed.length > 0) process.exitCode = EXIT.failed;
        return { result, text: `${channels - missed.length} of ${channels} channels were reached\n` };
      });
    });
}
