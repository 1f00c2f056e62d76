import type { Channel, Ec2Settings } from "../../config/ec2-schema.ts";
import { type Architecture, instanceType } from "../../config/instance-types.ts";
import type { Ec2Record } from "./record.ts";

/** Where an image comes from: asked of AWS once, or known. */
export type ImageSource =
  { readonly kind: "ask"; readonly parameter: string } | { readonly kind: "known"; readonly id: string };

export interface MachinePlan {
  readonly image: ImageSource;
  /** What the image comes from, for the record. */
  readonly source: string;
  /** What the machine is made from; the key it is born with is made anew with it. */
  readonly birth: string;
  /** Inputs that may differ from what runs without replacing it. */
  readonly ignoreChanges: readonly string[];
}

/**
 * Whether the machine stays or is made anew, which the config alone decides: a newer image in the channel or another text of
 * the first boot replaces nothing. They are taken when the machine is made anew for another reason: another `image`,
 * `generation`, `user` or architecture.
 */
export function planMachine(
  settings: Ec2Settings,
  region: string,
  previous: Ec2Record | undefined,
): MachinePlan {
  const source = sourceOf(settings, region);
  const birth = birthOf(settings, region);
  const image: ImageSource =
    settings.image.kind === "ami"
      ? { kind: "known", id: settings.image.id }
      : previous?.image.source === source
        ? { kind: "known", id: previous.image.id }
        : { kind: "ask", parameter: channelParameter(settings.image.channel, architectureOf(settings)) };
  return { image, source, birth, ignoreChanges: frozenInputs(settings, birth, previous) };
}

/**
 * Without a record there was no successful `up`: a machine that a failed one left keeps its image, though the channel may have
 * moved on, and is made anew when its first boot was mended.
 */
function frozenInputs({ image }: Ec2Settings, birth: string, previous: Ec2Record | undefined): string[] {
  if (previous === undefined) return image.kind === "channel" ? ["ami"] : [];
  return previous.birth === birth ? ["userDataBase64"] : [];
}

const architectureOf = (settings: Ec2Settings): Architecture =>
  instanceType(settings.instanceType).architecture;

/** What a machine is made from, as text: another one asks for another machine. */
export function birthOf(settings: Ec2Settings, region: string): string {
  return `${sourceOf(settings, region)}, user ${settings.user}, generation ${settings.generation}`;
}

/** The generation in what `birthOf` says of a machine. */
export function generationIn(birth: string): number {
  return Number(/generation (\d+)$/.exec(birth)?.[1]);
}

function sourceOf(settings: Ec2Settings, region: string): string {
  const { image } = settings;
  return image.kind === "ami" ? image.id : `${image.channel} ${architectureOf(settings)} ${region}`;
}

/** The public parameter in which the publisher keeps the id of the channel's newest image. */
function channelParameter(channel: Channel, architecture: Architecture): string {
  const machine = { x86_64: "amd64", arm64: "arm64" }[architecture];
  switch (channel) {
    case "ubuntu-24.04":
      return `/aws/service/canonical/ubuntu/server/24.04/stable/current/${machine}/hvm/ebs-gp3/ami-id`;
    case "debian-13":
      return `/aws/service/debian/release/13/latest/${machine}`;
  }
}
