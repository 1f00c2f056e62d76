import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Color, COLORS } from "../config/schema.ts";
import type { Host } from "../host/host.ts";
import { renderValues, secretsFolder, setName, uidOf } from "../data/application-secrets.ts";
import type { ApplicationSecrets } from "../config/secrets-schema.ts";
import { type SlotPlan, type Slots, specOf } from "./plan.ts";
import { type SlotSpec, type StackRecord, secretsOf } from "./record.ts";

export interface SlotArgs {
  readonly color: Color;
  readonly spec: SlotSpec;
  /** The slot is live and keeps its release: whatever a new provider or program would change has to wait. */
  readonly frozen: boolean;
  /** The release is the one the slot had: it keeps the secrets it began with, whatever the config says now. */
  readonly kept: boolean;
  readonly secrets: ApplicationSecrets;
  /** The sets of secrets that some slot reads, now or before this run: the others go away. */
  readonly usedSets: readonly string[];
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
    const { color, spec, frozen, kept, host, after } = args;
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
    const secrets = spec.secretSet === 0 ? [] : [this.secretSet(name, args, guard, child)];
    const migration =
      spec.migration === null
        ? []
        : [
            host.command(
              `${name}-migration`,
              { words: ["sh", "-s"], stdin: spec.migration },
              {
                ...child,
                dependsOn: [guard, ...secrets, ...after],
                // Another way to the host must not run an old release's migration on the schema of a newer one.
                ...(kept && !frozen && { ignoreChanges: ["create"] }),
              },
            ),
          ];
    new docker.Container(api.name, api, {
      ...child,
      provider: host.provider,
      dependsOn: [guard, ...secrets, ...migration, ...after],
      deleteBeforeReplace: true,
      replaceOnChanges: ["*"],
      hooks: host.clearing("container", api.name),
    });
    this.registerOutputs();
  }

  /** The release's own secrets, on the host before anything of it starts; sets that no slot reads go, so the guard is asked first. */
  private secretSet(
    name: string,
    { spec, host, after, kept, secrets, usedSets }: SlotArgs,
    guard: pulumi.Resource,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Resource {
    const release = secretsOf(spec);
    const numbers = [spec.secretSet, uidOf(release.user), spec.passwordVersion].map(String);
    return host.command(
      `${name}-secrets`,
      {
        words: [
          host.script("secret-set.sh"),
          "write",
          host.directory,
          setName(release),
          ...numbers,
          ...usedSets,
        ],
        stdin: pulumi.secret(renderValues(secrets)),
        asRoot: true,
      },
      { ...opts, dependsOn: [guard, ...after], ...(kept && { ignoreChanges: ["*"] }) },
    );
  }
}

/** The slots that have a release, in the order of the colours. `previous` is what the last run left. */
export function makeSlots(
  plans: Slots<SlotPlan>,
  previous: StackRecord | undefined,
  shared: Pick<SlotArgs, "host" | "after" | "secrets">,
): readonly Slot[] {
  const usedSets = setsInUse(plans, previous);
  return COLORS.flatMap((color) => {
    const plan = plans[color];
    const spec = specOf(plan);
    if (spec === undefined) return [];
    // Only the live slot: the idle one may hold a release that failed after its container was made, and going back
    // to the one before must replace it.
    const kept = plan.kind === "kept";
    const frozen = kept && color === previous?.live;
    return [new Slot(`slot-${color}`, { ...shared, usedSets, color, spec, kept, frozen })];
  });
}

/** The folders of all secret sets that a slot reads after this run, or read before it: a failed run goes back to those. */
function setsInUse(plans: Slots<SlotPlan>, previous: StackRecord | undefined): readonly string[] {
  const specs = COLORS.flatMap((color) => [specOf(plans[color]) ?? [], previous?.slots[color] ?? []].flat());
  const sets = specs.filter(({ secretSet }) => secretSet > 0).map((spec) => secretsFolder(secretsOf(spec)));
  return [...new Set(sets)].sort();
}

function settingsLabel(spec: SlotSpec): string {
  return spec.containers.api.labels.find(({ label }) => label === "bluegreen.settings")?.value ?? "none";
}
