import { type Ec2Settings, ec2HostSchema } from "../../components/config/ec2-schema.ts";
import type { Ec2Record } from "../../components/host/ec2/record.ts";
import { planMachine } from "../../components/host/ec2/plan.ts";

export const REGION = "eu-central-1";

/** The least that an EC2 host's config has to say. */
export const EC2 = {
  kind: "ec2",
  instanceType: "t3.small",
  image: { kind: "channel", channel: "ubuntu-24.04" },
  network: { kind: "own", zone: "eu-central-1a" },
  access: { kind: "ssm" },
  connect: { kind: "forwarded" },
  authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeploy deploy@example.com"],
  alerts: { mail: "ops@example.com", budgetUsd: 50 },
};

export function ec2Settings(change: Readonly<Record<string, unknown>> = {}): Ec2Settings {
  return ec2HostSchema.parse({ ...EC2, ...change });
}

/** What a stack remembers of the machine that these settings made. */
export function ec2RecordOf(settings: Ec2Settings = ec2Settings(), region = REGION): Ec2Record {
  const { birth, source } = planMachine(settings, region, undefined);
  return {
    birth,
    image: { source, id: "ami-0aaaaaaaaaaaaaaaa" },
    region,
    network: settings.network,
    dataVolumeGb: settings.dataVolumeGb,
    instanceId: "i-0aaaaaaaaaaaaaaaa",
    address: "127.0.0.1",
    hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost",
  };
}
