import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Color, COLORS } from "../config/schema.ts";
import type { Host } from "../host/host.ts";
import { renderValues, secretsFolder, setName, uidOf } from "../data/application-secrets.ts";
import type { ApplicationSecrets } from "../config/secrets-schema.ts";
import type { ContainerSpec } from "../host/container.ts";
import { beatFolders } from "./beat.ts";
import { PARTS } from "./parts.ts";
import { type SlotPlan, type Slots, specOf } from "./plan.ts";
import { type SlotSpec, type StackRecord, containersOf, secretsOf } from "./record.ts";

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
 * One colour's containers. Their images are on the host before anything of the running slot is touched; then the host
 * itself is asked whether this colour is live (the guard refuses if so), open connections get their drain window, the
 * database is migrated in the new image, and only then are the containers replaced, each with its own grace, and waited
 * for. They need nothing of each other, only the data, and start side by side.
 */
export class Slot extends pulumi.ComponentResource {
  constructor(name: string, args: SlotArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:slot:Slot", name, {}, opts);
    const { color, spec, frozen, host, after } = args;
    const containers = containersOf(spec);
    const child = { parent: this, ...(frozen && { ignoreChanges: ["*"] }) };
    const images = this.images(name, spec, { ...child, provider: host.provider });
    const guard = host.command(
      `${name}-guard`,
      {
        words: [
          host.script("guard.sh"),
          host.directory,
          color,
          String(spec.drainSeconds),
          ...containers.map((container) => container.name),
        ],
        stdin: renderIdentity(spec.release, containers),
      },
      { ...child, dependsOn: [...images, ...after] },
    );
    const before = [
      guard,
      ...(spec.secretSet === 0 ? [] : [this.secretSet(name, args, guard, child)]),
      ...(spec.containers.beat === undefined ? [] : [this.folders(name, args, child)]),
      ...after,
    ];
    const migration =
      spec.migration === null ? [] : [this.migration(name, spec.migration, args, before, child)];
    for (const container of containers) {
      new docker.Container(container.name, container, {
        ...child,
        provider: host.provider,
        dependsOn: [...migration, ...before],
        deleteBeforeReplace: true,
        replaceOnChanges: ["*"],
        hooks: host.clearing("container", container.name),
      });
    }
    this.registerOutputs();
  }

  /** Each image once, whichever parts run in it. */
  private images(
    name: string,
    { containers }: SlotSpec,
    opts: pulumi.CustomResourceOptions,
  ): docker.RemoteImage[] {
    const named = new Map<string, string>();
    for (const part of PARTS) {
      const image = containers[part]?.image;
      if (image === undefined || named.has(image)) continue;
      named.set(image, part === "api" ? `${name}-image` : `${name}-${part}-image`);
    }
    return [...named].map(
      ([image, resource]) => new docker.RemoteImage(resource, { name: image, keepLocally: true }, opts),
    );
  }

  private folders(name: string, { host, after }: SlotArgs, opts: pulumi.CustomResourceOptions) {
    const words = beatFolders(host.directory);
    return host.command(`${name}-folders`, { words, stdin: "" }, { ...opts, dependsOn: [...after] });
  }

  private migration(
    name: string,
    plan: string,
    { host, kept }: SlotArgs,
    before: readonly pulumi.Resource[],
    opts: pulumi.CustomResourceOptions,
  ) {
    return host.command(
      `${name}-migration`,
      { words: [host.script("migrate.sh"), host.directory], stdin: plan },
      {
        ...opts,
        dependsOn: [...before],
        // An old release's migration never runs again on the schema of a newer one: not by another way to the host, and not when
        // a slot goes back to the release it had before one that failed.
        ...(kept && { ignoreChanges: ["*"] }),
      },
    );
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

/** What the guard compares with what runs: the release, and a hash of what each container is made from. */
function renderIdentity(release: string, containers: readonly ContainerSpec[]): string {
  const lines = containers.map(
    (container) => `image ${container.image}\ncontainer ${settingsHash(container)}\n`,
  );
  return `release ${release}\n${lines.join("")}`;
}

function settingsHash({ labels }: ContainerSpec): string {
  return labels.find(({ label }) => label === "bluegreen.settings")?.value ?? "none";
}
