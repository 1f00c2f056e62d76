import assert from "node:assert/strict";
import { at } from "../support/json.ts";
import { type Clouds, startClouds } from "./clouds.ts";
import { type CloudStack, Project, succeeded } from "./project.ts";

/** Some of each kind: what the providers answer for, without this project's program. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { Volume } from "@pulumi/aws/ebs/volume.js";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { getParameterOutput } from "@pulumi/aws/ssm/getParameter.js";
import { DnsRecord } from "@pulumi/cloudflare/dnsRecord.js";

const tags = { Name: "plugins" };
const config = new pulumi.Config();
const vpc = new Vpc("vpc", { cidrBlock: "10.9.0.0/24", tags });
const subnet = new Subnet("subnet", { vpcId: vpc.id, cidrBlock: "10.9.0.0/25", availabilityZone: "eu-central-1a", tags });
const image = getParameterOutput({ name: "/aws/service/debian/release/13/latest/amd64" }).value;
const instance = new Instance("instance", {
  ami: pulumi.unsecret(image),
  instanceType: config.require("instanceType"),
  subnetId: subnet.id,
  userData: "#!/bin/sh\\nexec true\\n",
  metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
  tags,
});
const volume = new Volume("volume", { availabilityZone: "eu-central-1a", size: 8, type: "gp3", encrypted: true, tags }, { retainOnDelete: true });
new VolumeAttachment("attachment", { instanceId: instance.id, volumeId: volume.id, deviceName: "/dev/sdf" });
const eip = new Eip("eip", { domain: "vpc", tags });
new EipAssociation("association", { instanceId: instance.id, allocationId: eip.allocationId });
new DnsRecord("record", {
  zoneId: config.require("zoneId"),
  name: "plugins.example.com",
  type: "A",
  content: eip.publicIp,
  proxied: true,
  ttl: 1,
  comment: "plugins",
});
`;
const RESOURCES = 8;

describe("the AWS and Cloudflare providers, from npm's packages to the local clouds", function () {
  this.timeout(600_000);
  let clouds: Clouds;
  let project: Project;
  let stack: CloudStack;
  let records: string;

  before(async () => {
    clouds = await startClouds();
    const { id } = clouds.cloudflare.account.addZone("example.com");
    records = `/zones/${id}/dns_records`;
    project = await Project.create("plugins", { kind: "text", text: PROGRAM });
    stack = await project.stack("test", {
      ...clouds.config,
      [`${project.name}:instanceType`]: "t3.small",
      [`${project.name}:zoneId`]: id,
    });
  });

  after(async () => {
    await project.remove();
    await clouds.close();
  });

  it("make what the program says, once", async () => {
    const up = succeeded(await stack.up());
    assert.equal(up.changes["create"], RESOURCES + 1, up.output);
    const again = succeeded(await stack.up("--expect-no-changes"));
    assert.deepEqual(again.changes, { same: RESOURCES + 1 });
    const kept = await clouds.cloudflare.call("GET", records);
    assert.equal(at(kept, "0", "name"), "plugins.example.com");
    assert.equal(at(kept, "0", "proxied"), true);
  });

  it("find nothing to change when they look", async () => {
    const refresh = succeeded(await stack.refresh("--expect-no-changes"));
    assert.equal(refresh.changes["same"], RESOURCES + 1, refresh.output);
  });

  it("see what a person changed by hand, and put it back", async () => {
    const volume = (await stack.ids()).get("aws:ebs/volume:Volume volume") ?? "";
    await clouds.aws.query("ec2", "eu-central-1", "CreateTags", {
      "ResourceId.1": volume,
      "Tag.1.Key": "Name",
      "Tag.1.Value": "somebody",
    });
    const record = (await stack.ids()).get("cloudflare:index/dnsRecord:DnsRecord record") ?? "";
    const byHand = { name: "plugins.example.com", type: "A", content: "203.0.113.9", ttl: 1, proxied: false };
    await clouds.cloudflare.call("PUT", `${records}/${record}`, byHand);
    const seen = succeeded(await stack.preview("--refresh"));
    assert.equal(seen.changes["update"], 2, seen.output);
    succeeded(await stack.up("--refresh"));
    succeeded(await stack.preview("--refresh", "--expect-no-changes"));
  });

  it("leave what is to outlive the stack", async () => {
    const volume = (await stack.ids()).get("aws:ebs/volume:Volume volume") ?? "";
    const destroy = succeeded(await stack.destroy());
    assert.equal(destroy.changes["delete"], RESOURCES + 1, destroy.output);
    const found = await clouds.aws.query("ec2", "eu-central-1", "DescribeVolumes", { "VolumeId.1": volume });
    assert.match(found, new RegExp(`<volumeId>${volume}</volumeId>`));
    assert.match(found, /<status>available<\/status>/);
    assert.deepEqual(await clouds.cloudflare.call("GET", records), []);
  });
});
