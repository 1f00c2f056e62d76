import { Command } from "@commander-js/extra-typings";
import { addDeploy } from "./deploy/command.ts";
import { addDoctor } from "./doctor/command.ts";
import { addMessages } from "./messages/command.ts";
import { EXIT, Refusal, endOf, renderEnd } from "./outcome.ts";
import { addMigrate } from "./migrate/command.ts";
import { addHold } from "./hold/command.ts";
import { addMaintenance } from "./maintenance/command.ts";
import { addPromote } from "./promote/command.ts";
import { addRollback } from "./rollback/command.ts";
import { addShow } from "./show/commands.ts";
import { addWatch } from "./watch/command.ts";

const EXITS = `
Exit codes: ${EXIT.done} done, ${EXIT.failed} tried and failed (what serves is said), ${EXIT.refused} refused and nothing changed, ${EXIT.interrupted} cut off.
`;

/** The command line. What a command needs is loaded when it runs: `--help` starts no engine. */
export function makeProgram(): Command {
  const program = new Command("bluegreen")
    .description(
      "Releases of a stack, from image to live and back. Everything it does is config and `pulumi up`.",
    )
    .addHelpText("after", EXITS)
    .showHelpAfterError()
    .exitOverride((error) => {
      // The text was written already.
      if (error.exitCode !== 0 && asksForJson(process.argv.slice(2))) {
        const [command = ""] = process.argv.slice(2);
        const refusal = new Refusal(error.message, `bluegreen ${command} --help`);
        process.stdout.write(renderEnd(endOf(refusal, false)));
      }
      process.exit(error.exitCode === 0 ? EXIT.done : EXIT.refused);
    });
  addDeploy(program);
  addPromote(program);
  addRollback(program);
  addMigrate(program);
  addShow(program);
  addWatch(program);
  addMaintenance(program);
  addHold(program);
  addDoctor(program);
  addMessages(program);
  return program;
}

/** Words behind `--` are another program's. */
function asksForJson(words: readonly string[]): boolean {
  const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  return own.includes("--json");
}
