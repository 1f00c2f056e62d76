import { Argument, type Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { duration } from "../command-options.ts";
import { whoami } from "../whoami.ts";
import type { Turn } from "./plan.ts";

export function addMaintenance(program: Command): void {
  stackCommand(program, "maintenance", "show visitors a page instead of the application; the team gets in")
    .addArgument(new Argument("<what>", "on, off, or the team's link").choices(["on", "off", "link"]))
    .option("--retry-after <time>", "when visitors are told to come again (30s, 10m, 2h)", duration, 600)
    .option("--by <name>", "who does it, for the record (default: git's user.name)")
    .addHelpText(
      "after",
      `
on    visitors get a page with 503 and Retry-After; needs no healthy application. What is open goes on. It stays on over
      deploys, flips and restarts.
off   lets visitors in again, after the checks of a flip.
link  prints the link by which the team gets past the page. It holds a secret: not for a log.

Examples:
  $ npx bluegreen maintenance on --retry-after 30m
  $ npx bluegreen maintenance link
  $ npx bluegreen maintenance off`,
    )
    .action(async (what, { retryAfter, by, stack, json }) => {
      switch (what) {
        case "on":
          await turn(stack, json, by, { state: "on", retryAfterSeconds: retryAfter });
          return;
        case "off":
          await turn(stack, json, by, { state: "off" });
          return;
        case "link":
          await link(stack, json);
          return;
      }
    });
}

async function turn(
  stack: string,
  json: true | undefined,
  by: string | undefined,
  wanted: Turn,
): Promise<void> {
  const { maintain } = await import("./maintenance.ts");
  await run(json, async (progress) => {
    const request = { ...wanted, by: by ?? (await whoami()) };
    const result = await maintain(stack, request, { folder: process.cwd(), progress });
    const text =
      wanted.state === "on"
        ? `maintenance is on; the team gets in by: npx bluegreen maintenance link --stack ${stack}\n`
        : "maintenance is over, visitors are let in\n";
    return { result, text };
  });
}

async function link(stack: string, json: true | undefined): Promise<void> {
  const { bypassLink } = await import("./maintenance.ts");
  await run(json, async () => {
    const address = await bypassLink(stack, process.cwd());
    return { result: { link: address }, text: `${address}\n` };
  });
}
