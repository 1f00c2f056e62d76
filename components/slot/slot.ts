import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Color, COLORS } from "../config/schema.ts";
import type { Host } from "../host/host.ts";
import type { Slots } from "./plan.ts";
import type { SlotSpec } from "./record.ts";

export interface SlotArgs {
  readonly color: Color;
  readonly spec: SlotSpec;
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
    const { color, spec, host, after } = args;
    const { api } = spec.containers;
    const identity = `release ${spec.release}\nimage ${api.image}\ncontainer ${settingsLabel(spec)}\n`;

    const image = new docker.RemoteImage(
      `${name}-image`,
      { name: api.image, keepLocally: true },
      { parent: this, provider: host.provider },
    );
    const guard = host.command(
      `${name}-guard`,
      { words: [host.script("guard.sh"), host.directory, color, String(spec.drainSeconds)], stdin: identity },
      { parent: this, dependsOn: [image, ...after] },
    );
    const migration =
      spec.migration === null
        ? []
        : [
            host.command(
              `${name}-migration`,
              { words: ["sh", "-s"], stdin: spec.migration },
              { parent: this, dependsOn: [guard, ...after] },
            ),
          ];
    new docker.Container(api.name, api, {
      parent: this,
      provider: host.provider,
      dependsOn: [guard, ...migration, ...after],
      deleteBeforeReplace: true,
      replaceOnChanges: ["*"],
      hooks: host.clearing("container", api.name),
    });
    this.registerOutputs();
  }
}

/** The slots that have a release, in the order of the colours. */
export function makeSlots(
  specs: Slots<SlotSpec | undefined>,
  shared: Pick<SlotArgs, "host" | "after">,
): readonly Slot[] {
  return COLORS.flatMap((color) => {
    const spec = specs[color];
    return spec === undefined ? [] : [new Slot(`slot-${color}`, { ...shared, color, spec })];
  });
}

function settingsLabel(spec: SlotSpec): string {
  return spec.containers.api.labels.find(({ label }) => label === "bluegreen.settings")?.value ?? "none";
}
