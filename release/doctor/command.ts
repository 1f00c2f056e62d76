import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { EXIT } from "../outcome.ts";

export function addDoctor(program: Command): void {
  stackCommand(program, "doctor", "what is wrong, and the command that mends it")
    .addHelpText(
      "after",
      `
Changes nothing. Exit code ${EXIT.failed} where something is wrong, a host that is out of reach among it.

Examples:
  $ npx bluegreen doctor --stack prod
  $ npx bluegreen doctor --json`,
    )
    .action(async ({ stack, json }) => {
      const { doctor, renderChecks } = await import("./doctor.ts");
      await run(json, async () => {
        const result = await doctor(stack, process.cwd());
        if (result.some(({ ok }) => !ok)) process.exitCode = EXIT.failed;
        return { result, text: renderChecks(result) };
      });
    });
}
