import { type Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { duration } from "../command-options.ts";
import { cutOff } from "../cut-off.ts";
import { whoami } from "../whoami.ts";

const LONGEST_SECONDS = 30;

export function holdTime(value: string): number {
  const seconds = duration(value);
  if (seconds <= LONGEST_SECONDS) return seconds;
  throw new InvalidArgumentError(
    `It is ${LONGEST_SECONDS}s at the most: clients give up. For longer: npx bluegreen maintenance on.`,
  );
}

export function addHold(program: Command): void {
  stackCommand(program, "hold", "have requests wait in the gateway for a short cut-over")
    .argument("[command...]", "what to run meanwhile; requests go on as soon as it is done")
    .requiredOption("--for <time>", `how long at the most, up to ${LONGEST_SECONDS}s`, holdTime)
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .addHelpText(
      "after",
      `
The gateway itself keeps the time: it lets go when it is over, even where this command is killed. Nothing is refused while
there is room for those who wait; connections that are open go on.

Examples:
  $ npx bluegreen hold --for 20s -- docker restart bluegreen-dev-postgres
  $ npx bluegreen hold --for 10s`,
    )
    .action(async (command, { for: seconds, by, stack, json }) => {
      const { hold } = await import("./hold.ts");
      await run(json, async (progress) => {
        const request = { seconds, by: by ?? (await whoami()), command };
        const result = await hold(stack, request, { folder: process.cwd(), progress, cutOff });
        const text = `${result.requests ?? "unknown"} requests waited, ${(result.milliseconds / 1000).toFixed(1)} s at the most\n`;
        return { result, text };
      });
    });
}
