import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Color, COLORS } from "../config/schema.ts";
import type { Host } from "../host/host.ts";
import { type SlotPlan, type Slots, specOf } from "./plan.ts";
import type { SlotSpec } from "./record.ts";

export interface SlotArgs {
  readonly color: Color;
  readonly spec: SlotSpec;
  /** The slot is live and keeps its release: whatever a new provider or program would change has to wait. */
  readonly frozen: boolean;
  readonly host: Host;
  /** What must be there before the application starts: the network, the data, the secrets. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * One colour's containers. Its image is on the host before anything of the running slot is touched; then the host
 * itself is asked whether this colour is live (the guard refuses if so), open connections get their drain window, the
 * database is migrated in the new image, and only then is the container replaced and waited for.
 */
export class Slot extends pulumi.ComponentResource {
  constructor(name: string, args: SlotArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:slot:Slot", name, {}, opts);
    const { color, spec, frozen, host, after } = args;
    const { api } = spec.containers;
    const child = { parent: this, ...(frozen && { ignoreChanges: ["*"] }) };
    const identity = `release ${spec.release}\nimage ${api.image}\ncontainer ${settingsLabel(spec)}\n`;

    const image = new docker.RemoteImage(
      `${name}-image`,
      { name: api.image, keepLocally: true },
      { ...child, provider: host.provider },
    );
    const guard = host.command(
      `${name}-guard`,
      {
        words: [host.script("guard.sh"), host.directory, color, String(spec.drainSeconds), api.name],
        stdin: identity,
      },
      { ...child, dependsOn: [image, ...after] },
    );
    const migration =
      spec.migration === null
        ? []
        : [
            host.command(
              `${name}-migration`,
              { words: ["sh", "-s"], stdin: spec.migration },
              { ...child, dependsOn: [guard, ...after] },
            ),
          ];
    new docker.Container(api.name, api, {
      ...child,
      provider: host.provider,
      dependsOn: [guard, ...migration, ...after],
      deleteBeforeReplace: true,
      replaceOnChanges: ["*"],
      hooks: host.clearing("container", api.name),
    });
    this.registerOutputs();
  }
}

/** The slots that have a release, in the order of the colours. `live` is the colour the last run left live. */
export function makeSlots(
  plans: Slots<SlotPlan>,
  live: Color | undefined,
  shared: Pick<SlotArgs, "host" | "after">,
): readonly Slot[] {
  return COLORS.flatMap((color) => {
    const plan = plans[color];
    const spec = specOf(plan);
    if (spec === undefined) return [];
    // Only the live slot: the idle one may hold a release that failed after its container was made, and going back
    // to the one before must replace it.
    const frozen = plan.kind === "kept" && color === live;
    return [new Slot(`slot-${color}`, { ...shared, color, spec, frozen })];
  });
}

function settingsLabel(spec: SlotSpec): string {
  return spec.containers.api.labels.find(({ label }) => label === "bluegreen.settings")?.value ?? "none";
}
