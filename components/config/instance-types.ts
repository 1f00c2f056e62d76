/**
 * What an EC2 instance type gives and costs. Memory and credits are AWS's published figures; the kernel and firmware keep
 * 4 to 8 % of the memory for themselves, which the share of the memory plan that is never promised covers.
 *
 * Prices: Linux, on demand, US dollars an hour, without taxes. Source: AWS's price pages as many public tables repeat them; the
 * Frankfurt figures of t2 and t3 were held against https://matthiaskraaz.blogspot.com/2021/08/aws-ec2-price-of-maxed-out-burstable.html
 * on 2026-11-21. AWS has not raised an on-demand price of these types since it introduced them, but nothing here asks AWS:
 * take the estimate for good to a few percent, and look at https://aws.amazon.com/ec2/pricing/on-demand/ before you sign something.
 */
export interface InstanceType {
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly architecture: Architecture;
  /**
   * CPU credits of a burstable type: one is a minute of one whole vCPU. Without any, t3 and t4g go on and are billed for it,
   * t2 slows down, which is AWS's default for each. Types without credits have their whole vCPUs always.
   */
  readonly credits?: { readonly earnedPerHour: number; readonly most: number };
  readonly hourlyUsd: Readonly<Record<PricedRegion, number>>;
}

export const ARCHITECTURES = ["x86_64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export const PRICED_REGIONS = ["us-east-1", "eu-central-1"] as const;
export type PricedRegion = (typeof PRICED_REGIONS)[number];

const type = (
  architecture: Architecture,
  memoryGib: number,
  vcpus: number,
  [virginia, frankfurt]: readonly [number, number],
  credits?: readonly [number, number],
): InstanceType => ({
  memoryMb: memoryGib * 1024,
  vcpus,
  architecture,
  ...(credits && { credits: { earnedPerHour: credits[0], most: credits[1] } }),
  hourlyUsd: { "us-east-1": virginia, "eu-central-1": frankfurt },
});

/** The types a host may have. Another one is a line here: its memory and its price are what the checks stand on. */
export const INSTANCE_TYPES = {
  "t2.micro": type("x86_64", 1, 1, [0.0116, 0.0134], [6, 144]),
  "t2.small": type("x86_64", 2, 1, [0.023, 0.0268], [12, 288]),
  "t2.medium": type("x86_64", 4, 2, [0.0464, 0.0536], [24, 576]),
  "t3.micro": type("x86_64", 1, 2, [0.0104, 0.012], [12, 288]),
  "t3.small": type("x86_64", 2, 2, [0.0208, 0.024], [24, 576]),
  "t3.medium": type("x86_64", 4, 2, [0.0416, 0.048], [24, 576]),
  "t3.large": type("x86_64", 8, 2, [0.0832, 0.096], [36, 864]),
  "t3.xlarge": type("x86_64", 16, 4, [0.1664, 0.192], [96, 2304]),
  "t4g.micro": type("arm64", 1, 2, [0.0084, 0.0096], [12, 288]),
  "t4g.small": type("arm64", 2, 2, [0.0168, 0.0192], [24, 576]),
  "t4g.medium": type("arm64", 4, 2, [0.0336, 0.0384], [24, 576]),
  "t4g.large": type("arm64", 8, 2, [0.0672, 0.0768], [36, 864]),
  "t4g.xlarge": type("arm64", 16, 4, [0.1344, 0.1536], [96, 2304]),
  "m6g.medium": type("arm64", 4, 1, [0.0385, 0.046]),
  "m6g.large": type("arm64", 8, 2, [0.077, 0.092]),
  "m6i.large": type("x86_64", 8, 2, [0.096, 0.115]),
} as const satisfies Readonly<Record<string, InstanceType>>;

export type InstanceTypeName = keyof typeof INSTANCE_TYPES;

export function instanceType(name: InstanceTypeName): InstanceType {
  return INSTANCE_TYPES[name];
}

export function isInstanceType(name: string): name is InstanceTypeName {
  return Object.hasOwn(INSTANCE_TYPES, name);
}
