import { isDeepStrictEqual } from "node:util";
import { prefixLength } from "./cidr.ts";
import { removeCommand, replaceCommand, setCommand } from "./commands.ts";
import type { Ec2Settings } from "./ec2-schema.ts";
import type { EdgeSettings } from "./edge-schema.ts";
import { instanceType } from "./instance-types.ts";
import { generationIn } from "../host/ec2/plan.ts";
import type { Ec2Record } from "../host/ec2/record.ts";
import { type Problem, shown } from "./problems.ts";

/** A range for SSH that is wider than this is no allow-list any more. */
const WIDEST_SSH_PREFIX = 16;

/** What an EC2 host's own keys have to agree with. */
export interface Ec2Surroundings {
  /** The config's `aws:region`. */
  readonly region: string | undefined;
  /** `undefined` where it did not parse. */
  readonly edge: EdgeSettings | undefined;
  readonly previous: Ec2Record | undefined;
}

/** How the keys of an EC2 host stand to each other, to the edge, and to the data volume that is there. */
export function checkEc2(host: Ec2Settings, { region, edge, previous }: Ec2Surroundings): Problem[] {
  return [
    ...checkArchitecture(host),
    ...checkRegion(host, region),
    ...(region === undefined || previous === undefined ? [] : checkVolume(host, region, previous)),
    ...(previous === undefined ? [] : checkGeneration(host, previous)),
    ...checkAccess(host),
    ...checkConnect(host),
    ...(edge === undefined ? [] : checkVisitors(host, edge)),
  ];
}

function checkArchitecture(host: Ec2Settings): Problem[] {
  const { architecture } = instanceType(host.instanceType);
  if (host.image.kind === "channel" || host.image.architecture === architecture) return [];
  return [
    {
      key: "host.image.architecture",
      got: shown(host.image.architecture),
      allowed: `${shown(architecture)}, which ${host.instanceType} runs; or an instance type of the image's architecture`,
      fix: replaceCommand(["host", "image"], { kind: "channel", channel: "ubuntu-24.04" }),
    },
  ];
}

function checkRegion({ network }: Ec2Settings, region: string | undefined): Problem[] {
  if (region === undefined) {
    return [
      {
        key: "aws:region",
        got: "nothing",
        allowed: "an AWS region such as eu-central-1",
        fix: setCommand(["aws:region"], "eu-central-1"),
      },
    ];
  }
  if (network.kind === "subnet" || network.zone.startsWith(region)) return [];
  return [
    {
      key: "host.network.zone",
      got: shown(network.zone),
      allowed: `a zone of ${region}`,
      fix: setCommand(["host", "network", "zone"], `${region}a`),
    },
  ];
}

/** The data volume is in one zone for good, and disks only grow. */
function checkVolume(host: Ec2Settings, region: string, previous: Ec2Record): Problem[] {
  const elsewhere = "where the data volume is; another place is a new stack, and a backup restored there";
  const moved: Problem[] = [
    ...(region === previous.region
      ? []
      : [
          {
            key: "aws:region",
            got: shown(region),
            allowed: `${shown(previous.region)}, ${elsewhere}`,
            fix: setCommand(["aws:region"], previous.region),
          },
        ]),
    ...(isDeepStrictEqual(host.network, previous.network)
      ? []
      : [
          {
            key: "host.network",
            got: shown(host.network),
            allowed: `${shown(previous.network)}, ${elsewhere}`,
            fix: replaceCommand(["host", "network"], previous.network),
          },
        ]),
  ];
  const shrunk: Problem[] =
    host.dataVolumeGb >= previous.dataVolumeGb
      ? []
      : [
          {
            key: "host.dataVolumeGb",
            got: shown(host.dataVolumeGb),
            allowed: `${previous.dataVolumeGb} or more: a volume grows and never shrinks`,
            fix: setCommand(["host", "dataVolumeGb"], previous.dataVolumeGb),
          },
        ];
  return [...moved, ...shrunk];
}

/** A lower one stands in a file from before the machine was made anew, as an older commit has it: nobody asks for another machine by that. */
function checkGeneration({ generation }: Ec2Settings, previous: Ec2Record): Problem[] {
  const running = generationIn(previous.birth);
  if (generation >= running) return [];
  return [
    {
      key: "host.generation",
      got: shown(generation),
      allowed: `${running}, which the machine is, or more, which makes it anew`,
      fix: setCommand(["host", "generation"], running),
    },
  ];
}

function checkAccess({ access, image }: Ec2Settings): Problem[] {
  switch (access.kind) {
    case "ssm":
      return image.kind === "channel" && image.channel === "debian-13"
        ? [
            {
              key: "host.access.kind",
              got: '"ssm" with an image of debian-13',
              allowed: '"ssm" with ubuntu-24.04, whose image carries the agent; Debian\'s does not',
              fix: replaceCommand(["host", "image"], { kind: "channel", channel: "ubuntu-24.04" }),
            },
          ]
        : [];
    case "bastion":
      return [];
    case "ranges":
      return access.cidrs.flatMap((range, i) =>
        (prefixLength(range) ?? 0) >= WIDEST_SSH_PREFIX
          ? []
          : [
              {
                key: `host.access.cidrs[${i}]`,
                got: shown(range),
                allowed: `ranges of /${WIDEST_SSH_PREFIX} or narrower: SSH is never open to the world; without a fixed address use "ssm"`,
                fix: replaceCommand(["host", "access"], { kind: "ssm" }),
              },
            ],
      );
  }
}

function checkConnect({ access, connect }: Ec2Settings): Problem[] {
  const needed = { public: "ranges", private: "ranges", bastion: "bastion", forwarded: undefined }[
    connect.kind
  ];
  if (needed === undefined || needed === access.kind) return [];
  return [
    {
      key: "host.connect.kind",
      got: `${shown(connect.kind)} while host.access.kind is ${shown(access.kind)}`,
      allowed: `${shown(connect.kind)} with access of kind ${shown(needed)}; nothing else lets those connections in`,
      fix: replaceCommand(["host", "connect"], { kind: "forwarded", port: 2222 }),
    },
  ];
}

function checkVisitors({ visitors }: Ec2Settings, edge: EdgeSettings): Problem[] {
  const throughCloudflare = edge.kind === "cloudflare";
  if (throughCloudflare === (visitors === undefined)) return [];
  return [
    throughCloudflare
      ? {
          key: "host.visitors",
          got: shown(visitors),
          allowed: "nothing with an edge of kind cloudflare: only its ranges may reach the host",
          fix: removeCommand(["host", "visitors"]),
        }
      : {
          key: "host.visitors",
          got: "nothing",
          allowed: `a list of IPv4 ranges with an edge of kind ${shown(edge.kind)}; 0.0.0.0/0 is everybody`,
          fix: setCommand(["host", "visitors"], ["0.0.0.0/0"]),
        },
  ];
}
