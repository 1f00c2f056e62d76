import { DefaultSecurityGroup } from "@pulumi/aws/ec2/defaultSecurityGroup.js";
import { getSubnetOutput } from "@pulumi/aws/ec2/getSubnet.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import type { StackId } from "../../config/names.ts";
import { tagsOf } from "./tags.ts";

export interface Ec2NetworkArgs {
  readonly id: StackId;
  readonly network: Ec2Settings["network"];
}

/**
 * Where the machine's network interface is: a VPC of the stack's own with one public subnet, or a subnet that exists.
 * The VPC's default security group lets nothing through, so that nothing made there by hand is open by accident.
 */
export class Ec2Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly subnetId: pulumi.Output<string>;
  readonly zone: pulumi.Output<string>;

  constructor(name: string, args: Ec2NetworkArgs, opts: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2Network", name, {}, opts);
    switch (args.network.kind) {
      case "own": {
        const subnet = this.ownSubnet(name, args.id, args.network);
        this.vpcId = subnet.vpcId;
        this.subnetId = subnet.id;
        this.zone = subnet.availabilityZone;
        break;
      }
      case "subnet": {
        const subnet = getSubnetOutput({ id: args.network.id }, { parent: this });
        this.vpcId = subnet.vpcId;
        this.subnetId = subnet.id;
        this.zone = subnet.availabilityZone;
        break;
      }
    }
    this.registerOutputs({ vpcId: this.vpcId, subnetId: this.subnetId });
  }

  private ownSubnet(
    name: string,
    id: StackId,
    network: Extract<Ec2Settings["network"], { kind: "own" }>,
  ): Subnet {
    const child = { parent: this };
    const tags = tagsOf(id, "network");
    const vpc = new Vpc(
      `${name}-vpc`,
      { cidrBlock: network.cidr, enableDnsHostnames: true, enableDnsSupport: true, tags },
      child,
    );
    const vpcId = vpc.id;
    new DefaultSecurityGroup(
      `${name}-closed`,
      { vpcId, ingress: [], egress: [], tags: tagsOf(id, "closed") },
      child,
    );
    const gateway = new InternetGateway(`${name}-gateway`, { vpcId, tags }, child);
    const subnet = new Subnet(
      `${name}-subnet`,
      {
        vpcId,
        cidrBlock: network.cidr,
        availabilityZone: network.zone,
        // The one public address is the elastic one.
        mapPublicIpOnLaunch: false,
        tags,
      },
      child,
    );
    const table = new RouteTable(`${name}-routes`, { vpcId, tags }, child);
    const everywhere = { destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id };
    new Route(`${name}-route`, { routeTableId: table.id, ...everywhere }, child);
    new RouteTableAssociation(`${name}-routed`, { subnetId: subnet.id, routeTableId: table.id }, child);
    return subnet;
  }
}
