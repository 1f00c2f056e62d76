import { z } from "zod";
import { prefixLength } from "./cidr.ts";
import { ARCHITECTURES, INSTANCE_TYPES, type InstanceTypeName, isInstanceType } from "./instance-types.ts";
import { kindOf, object, oneOf, text, wholeNumber } from "./leaves.ts";
import { bastionSchema, sshAddress, sshKeySchema, sshPort, sshUser } from "./ssh-schema.ts";

const CIDR = "an IPv4 range without host bits, such as 203.0.113.0/24";
const cidr = z.string({ error: CIDR }).refine((range) => prefixLength(range) !== undefined, { error: CIDR });
const cidrs = z.array(cidr, { error: "a list of IPv4 ranges" }).min(1, { error: "at least one range" });

const TYPES = `one of ${Object.keys(INSTANCE_TYPES).join(", ")} (components/config/instance-types.ts has the table)`;
const instanceTypeName = z.custom<InstanceTypeName>(
  (name) => typeof name === "string" && isInstanceType(name),
  {
    error: TYPES,
  },
);

/** Image channels: names that a publisher keeps pointing at its newest image. The first `up` takes what it finds there, and stays with it. */
export const CHANNELS = ["ubuntu-24.04", "debian-13"] as const;
export type Channel = (typeof CHANNELS)[number];

const image = z.discriminatedUnion(
  "kind",
  [
    object({ kind: z.literal("channel"), channel: oneOf(...CHANNELS) }),
    object({
      kind: z.literal("ami"),
      id: text(/^ami-[0-9a-f]{8,17}$/, "an image id such as ami-0123456789abcdef0"),
      architecture: oneOf(...ARCHITECTURES),
    }),
  ],
  { error: `${kindOf} "channel" or "ami"` },
);

const NETWORK_CIDR = "a private IPv4 range of /16 to /28, such as 10.20.0.0/24";
export const networkSchema = z.discriminatedUnion(
  "kind",
  [
    /** A VPC of the stack's own with one public subnet. */
    object({
      kind: z.literal("own"),
      cidr: z
        .string({ error: NETWORK_CIDR })
        .refine((range) => isPrivateRange(range), { error: NETWORK_CIDR })
        .default("10.20.0.0/24"),
      /** The availability zone; the data volume can never leave it. */
      zone: text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, "an availability zone such as eu-central-1a"),
    }),
    object({
      kind: z.literal("subnet"),
      id: text(/^subnet-[0-9a-f]{8,17}$/, "a subnet id such as subnet-0123456789abcdef0"),
    }),
  ],
  { error: `${kindOf} "own" or "subnet"` },
);

function isPrivateRange(range: string): boolean {
  const length = prefixLength(range);
  const isPrivate = /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/.test(range);
  return isPrivate && length !== undefined && length >= 16 && length <= 28;
}

/** Who may open an SSH connection: nobody from outside (Session Manager carries it), one bastion, or named ranges. */
const access = z.discriminatedUnion(
  "kind",
  [
    object({ kind: z.literal("ssm") }),
    object({
      kind: z.literal("bastion"),
      /** The bastion's security group. */
      securityGroup: text(/^sg-[0-9a-f]{8,17}$/, "a security group id such as sg-0123456789abcdef0"),
    }),
    object({ kind: z.literal("ranges"), cidrs }),
  ],
  { error: `${kindOf} "ssm", "bastion" or "ranges"` },
);

/** How the deployer's SSH connections get to the machine. */
const connect = z.discriminatedUnion(
  "kind",
  [
    object({ kind: z.literal("public") }),
    object({ kind: z.literal("private") }),
    /** Something on the deployer's side forwards a port: `npm run connect`, or a test. */
    object({
      kind: z.literal("forwarded"),
      address: sshAddress.default("127.0.0.1"),
      port: sshPort.default(2222),
    }),
    object({ kind: z.literal("bastion"), ...bastionSchema.shape }),
  ],
  { error: `${kindOf} "public", "private", "forwarded" or "bastion"` },
);

/** A machine in AWS; the region is the AWS provider's own setting, `aws:region`. */
export const ec2HostSchema = object({
  kind: z.literal("ec2"),
  instanceType: instanceTypeName,
  image,
  /** Another number makes the machine anew from its first boot on; its data volume and its address stay. */
  generation: wholeNumber(1, 9999, "machines so far").default(1),
  network: networkSchema,
  access,
  connect,
  user: sshUser.default("deploy"),
  key: sshKeySchema,
  /** The public keys that may log in as `user`. */
  authorizedKeys: z
    .array(
      text(
        /^(ssh-ed25519|ecdsa-[\w@.-]+|sk-[\w@.-]+) [A-Za-z0-9+/=]+( [\w@.-]+)?$/,
        "a public key such as ssh-ed25519 AAAA…",
      ),
      {
        error: "a list of public keys",
      },
    )
    .min(1, { error: "at least one public key" }),
  /** Who may ask for pages where no Cloudflare stands in front; with it, only Cloudflare may. */
  visitors: cidrs.optional(),
  rootVolumeGb: wholeNumber(8, 1024, "gigabytes").default(10),
  /** Images, containers and databases are here. It may grow, never shrink. */
  dataVolumeGb: wholeNumber(8, 16_384, "gigabytes").default(20),
  snapshots: object({
    everyHours: z
      .literal([1, 2, 3, 4, 6, 8, 12, 24], { error: "1, 2, 3, 4, 6, 8, 12 or 24 hours" })
      .default(24),
    keep: wholeNumber(1, 1000, "snapshots").default(7),
  }).prefault({}),
  alerts: object({
    /** Gets a mail to confirm first, then alarms and the budget's warnings. */
    mail: text(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, "a mail address"),
    /** What the whole account may cost a month before a mail is sent. */
    budgetUsd: wholeNumber(1, 1_000_000, "US dollars a month"),
  }),
});

export type Ec2Settings = z.output<typeof ec2HostSchema>;
