import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { HOLD_HELP, duration, percent } from "../command-options.ts";
import { watchIt } from "../watch/command.ts";
import { whoami } from "../whoami.ts";

export function addPromote(program: Command): void {
  stackCommand(program, "promote", "send a share of the visitors to the release that waits on the idle slot")
    .requiredOption("--to <percent>", "0 to 100; with 100 it is live", percent)
    .option("--hold <time>", HOLD_HELP, duration)
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .addHelpText(
      "after",
      `
A visitor stays with a colour: by cookie, by address where there is none. A step changes no connection.

Examples:
  $ npx bluegreen deploy --image api=ghcr.io/acme/api:1.4 --no-flip
  $ npx bluegreen promote --to 10
  $ npx bluegreen promote --to 100`,
    )
    .action(async ({ to, hold, by, stack, json }) => {
      const { promote } = await import("./promote.ts");
      await run(json, async (progress) => {
        const request = { percent: to, by: by ?? (await whoami()), hold };
        const done = await promote(stack, request, { folder: process.cwd(), progress });
        await watchIt(stack, { ...done, seconds: done.holdSeconds }, progress);
        const text = `release ${done.release} on ${done.color} has ${to} % of the visitors\n`;
        return { result: done, text };
      });
    });
}
