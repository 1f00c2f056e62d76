import type { Command } from "@commander-js/extra-typings";
import { run, stackCommand } from "../command-line.ts";
import { cutOff } from "../cut-off.ts";
import { onTop } from "../outcome.ts";
import type { Progress } from "../terminal.ts";
import { renderWatchState, type WatchState } from "./plan.ts";
import type { Hold } from "./watch.ts";

export function addWatch(program: Command): void {
  stackCommand(program, "watch", "the release that is being watched, or the last verdict")
    .option("--stop", "end the watch; visitors stay where they are")
    .addHelpText(
      "after",
      `
Examples:
  $ npx bluegreen watch --stack prod
  $ npx bluegreen watch --json
  $ npx bluegreen watch --stop --stack prod`,
    )
    .action(async ({ stop, stack, json }) => {
      const { stopWatch, watchState } = await import("./watch.ts");
      const { openStack } = await import("../stack.ts");
      const { reachHost } = await import("../host.ts");
      await run(json, async () => {
        const host = await reachHost(await openStack(stack, process.cwd()));
        const result = stop === true ? await stopWatch(host) : await watchState(host);
        return { result, text: renderWatchState(result, Date.now()) };
      });
    });
}

/**
 * Watches what a command has just sent visitors to; not at all for 0 seconds.
 * @throws Failure, whatever stands in the way: visitors are there
 */
export async function watchIt(name: string, wanted: Hold, progress: Progress): Promise<WatchState> {
  if (wanted.seconds === 0) return { kind: "none" };
  const [{ hold }, { openStack }, { reachHost }] = await Promise.all([
    import("./watch.ts"),
    import("../stack.ts"),
    import("../host.ts"),
  ]);
  return await onTop(async () => {
    const host = await reachHost(await openStack(name, process.cwd()));
    return await hold(name, process.cwd(), host, wanted, { progress, detach: cutOff });
  });
}
