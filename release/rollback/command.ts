import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { secondsOf } from "../../components/seconds-of.ts";
import { whoami } from "../whoami.ts";

export function addRollback(program: Command): void {
  stackCommand(program, "rollback", "send visitors back to the release before, or to an older one")
    .option("--to <release>", "a release id of the history (default: the one that was live before)")
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen rollback --stack prod
  $ npx bluegreen rollback --stack prod --to 40`,
    )
    .action(async ({ to, by, stack, json }) => {
      const { rollback } = await import("./rollback.ts");
      await run(json, async (progress) => {
        const done = await rollback(
          stack,
          { to, by: by ?? (await whoami()) },
          { folder: process.cwd(), progress },
        );
        const took = secondsOf(done.milliseconds["update"] ?? 0);
        const again =
          done.kind === "restore"
            ? `the file says what runs; once more goes back to the release before: npx bluegreen rollback --stack ${stack}\n`
            : "";
        return { result: done, text: `release ${done.release} is live on ${done.color}; ${took}\n${again}` };
      });
    });
}
