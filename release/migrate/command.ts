import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { confirmer } from "../deploy/command.ts";
import { whoami } from "../whoami.ts";

export function addMigrate(program: Command): void {
  stackCommand(program, "migrate", "run a migration that belongs to no release, such as one downwards")
    .requiredOption("-r, --release <id>", "in whose image it runs; one that a slot has")
    .requiredOption("--works-with <release...>", "the releases that work afterwards, the live one among them")
    .argument("<command...>", "what to run, behind --")
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .option(
      "-y, --yes",
      "do not ask before it (nobody is asked where there is no terminal; --json alone is no yes)",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen migrate --release 43 --works-with 41 42 -- python -m app.migrate --down 0008`,
    )
    .action(async (command, { release, worksWith, by, yes, stack, json }) => {
      const { migrate } = await import("./migrate.ts");
      await run(json, async (progress) => {
        const context = {
          ...{ folder: process.cwd(), by: by ?? (await whoami()), progress },
          confirm: confirmer(yes === true),
        };
        const done = await migrate(stack, { release, worksWith, command }, context);
        const { before, after, backup, output } = done;
        const kept = backup === null ? "" : `; a dump from before is ${backup} on the host`;
        return { result: done, text: `${output}the database went from ${before} to ${after}${kept}\n` };
      });
    });
}
