import { ManagedPrefixList } from "@pulumi/aws/ec2/managedPrefixList.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import {
  SecurityGroupIngressRule,
  type SecurityGroupIngressRuleArgs,
} from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import type { StackId } from "../../config/names.ts";
import { NAMESPACE } from "./alarm-specs.ts";
import { machinePolicy, trust } from "./policies.ts";
import { tagsOf } from "./tags.ts";

export interface Ec2AccessArgs {
  readonly id: StackId;
  readonly region: string;
  readonly vpcId: pulumi.Input<string>;
  /** Who may ask for pages, as IPv4 ranges: Cloudflare's, or those of the config. */
  readonly visitors: readonly string[];
  /** The published port of the gateway. */
  readonly port: number;
  readonly access: Ec2Settings["access"];
  readonly backupBucketArn: pulumi.Input<string>;
}

/** A list's size counts against the 60 rules of a group, full or not; some room, because growing it is a change of its own. */
const SPARE_ENTRIES = 5;

/**
 * What the machine may do in AWS and who may reach it: pages from one list of ranges, SSH from nowhere unless the config
 * names a bastion or ranges.
 */
export class Ec2Access extends pulumi.ComponentResource {
  readonly profile: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;

  constructor(name: string, args: Ec2AccessArgs, opts: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2Access", name, {}, opts);
    const child = { parent: this };
    this.profile = this.makeRole(name, args);
    const group = new SecurityGroup(
      `${name}-group`,
      {
        vpcId: args.vpcId,
        description: `What reaches the host of ${args.id.project}-${args.id.stack}`,
        tags: tagsOf(args.id, "host"),
      },
      child,
    );
    this.securityGroupId = group.id;
    const visitors = new ManagedPrefixList(
      `${name}-visitors`,
      {
        addressFamily: "IPv4",
        maxEntries: args.visitors.length + SPARE_ENTRIES,
        entries: args.visitors.map((cidr) => ({ cidr })),
        tags: tagsOf(args.id, "visitors"),
      },
      child,
    );
    const rules: readonly IngressRule[] = [
      { rule: "pages", description: "pages", port: args.port, prefixListId: visitors.id },
      ...sshRules(args.access),
    ];
    for (const { rule, port, ...from } of rules) {
      new SecurityGroupIngressRule(
        `${name}-in-${rule}`,
        { securityGroupId: group.id, ipProtocol: "tcp", fromPort: port, toPort: port, ...from },
        child,
      );
    }
    new SecurityGroupEgressRule(
      `${name}-out`,
      // Registries, package mirrors, AWS and whatever the application calls: an allow-list of addresses would not hold a week.
      { securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0", description: "out" },
      child,
    );
    this.registerOutputs({ securityGroupId: this.securityGroupId });
  }

  private makeRole(name: string, args: Ec2AccessArgs): pulumi.Output<string> {
    const { id, region } = args;
    const child = { parent: this };
    const role = new Role(
      `${name}-role`,
      { assumeRolePolicy: trust("ec2.amazonaws.com"), tags: tagsOf(id, "host") },
      child,
    );
    const policy = pulumi.all([args.backupBucketArn, role.arn]).apply(([bucketArn, roleArn]) =>
      machinePolicy({
        bucketArn,
        parametersArn: `arn:aws:ssm:${region}:${accountOf(roleArn)}:parameter/${id.project}/${id.stack}/*`,
        namespace: NAMESPACE,
      }),
    );
    new RolePolicy(`${name}-rights`, { role: role.name, policy }, child);
    return new InstanceProfile(`${name}-profile`, { role: role.name, tags: tagsOf(id, "host") }, child).name;
  }
}

/** The account number in an ARN. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}

type IngressRule = Pick<
  SecurityGroupIngressRuleArgs,
  "cidrIpv4" | "prefixListId" | "referencedSecurityGroupId"
> & { readonly rule: string; readonly description: string; readonly port: number };

const SSH_PORT = 22;

/** The rules that let SSH in; none for Session Manager, which the machine dials itself. */
export function sshRules(access: Ec2Settings["access"]): readonly IngressRule[] {
  switch (access.kind) {
    case "ssm":
      return [];
    case "bastion":
      return [
        {
          rule: "ssh-bastion",
          description: "ssh from the bastion",
          port: SSH_PORT,
          referencedSecurityGroupId: access.securityGroup,
        },
      ];
    case "ranges":
      return access.cidrs.map((cidr) => ({
        rule: `ssh-${cidr.replace("/", "-")}`,
        description: "ssh",
        port: SSH_PORT,
        cidrIpv4: cidr,
      }));
  }
}
