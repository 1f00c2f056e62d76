import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../host/host.ts";
import { type SwitchPlan, renderSwitchPlan, switchLimitSeconds } from "./switch-plan.ts";
import { type SwitchReport, parseSwitchReport } from "./switch-report.ts";

export interface SwitchArgs extends SwitchPlan {
  readonly host: Host;
  /** Everything else of the stack. */
  readonly after: readonly pulumi.Resource[];
  /** Counts how often the host was found on another colour than the state believed. */
  readonly repairs: number;
  /** What runs once it is done and proven. */
  readonly hooks?: pulumi.ResourceHookBinding;
}

/**
 * The last node of the graph, to be given everything else in `after`: a failure anywhere leaves the live colour
 * serving. A transaction on the host: the target is checked and smoke-tested out of visitors' sight, made live, asked for
 * from outside and watched; any failure puts the previous colour back, proves that, and fails `up`.
 */
export class Switch extends pulumi.ComponentResource {
  /** What the last switch did. Known only once it is done: a changed switch has no report in a preview. */
  readonly report: pulumi.Output<SwitchReport>;

  constructor(name: string, args: SwitchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:gateway:Switch", name, {}, opts);
    const { host } = args;
    const command = host.command(
      `${name}-flip`,
      {
        words: [
          "timeout",
          // The switch undoes itself on TERM and needs a moment for it.
          "--kill-after=60",
          String(switchLimitSeconds(args)),
          host.script("switch.sh"),
          host.directory,
          `repair=${args.repairs}`,
        ],
        stdin: renderSwitchPlan(args),
      },
      // On the command itself: what a component depends on is not what its children depend on.
      { parent: this, dependsOn: [...args.after], ...(args.hooks && { hooks: args.hooks }) },
    );
    this.report = command.stdout.apply(parseSwitchReport);
    this.registerOutputs({ live: this.report.live });
  }
}
