import assert from "node:assert/strict";
import { at } from "../support/json.ts";
import { type Clouds, REGION, startClouds } from "./clouds.ts";
import type { Zone } from "./cloudflare/state.ts";
import { Project, type Ran, succeeded } from "./project.ts";
import { StackOnMachine } from "./stack-on-machine.ts";

const ZONE = "example.com";

/** What one run did, but for what it left alone or read. */
function changed({ changes }: Ran): Record<string, number> {
  return Object.fromEntries(Object.entries(changes).filter(([what]) => what !== "same" && what !== "read"));
}

describe("Pulumi.staging.yaml, from an empty account to its end", function () {
  this.timeout(900_000);
  this.bail(true);
  let clouds: Clouds;
  let zone: Zone;
  let project: Project;
  let staging: StackOnMachine;
  const made: (() => Promise<void>)[] = [];

  before(async () => {
    clouds = await startClouds();
    made.push(() => clouds.close());
    zone = clouds.cloudflare.account.addZone(ZONE);
    project = await Project.create("staging", { kind: "own" });
    made.push(() => project.remove());
    staging = await StackOnMachine.create(clouds, project, "staging");
    made.push(() => staging.remove());
  });

  after(async () => {
    for (const remove of made.reverse()) await remove();
  });

  const idOf = async (resource: string): Promise<string> => {
    const ids = await staging.stack.ids();
    const found = [...ids].find(([name]) => name.endsWith(resource))?.[1];
    assert.ok(found, `${resource} is not in ${[...ids.keys()].join(", ")}`);
    return found;
  };

  it("takes an empty account and a machine as it is bought to a running stack", async () => {
    succeeded(await staging.first());
    const containers = await staging.containers();
    assert.equal(containers.length, 4, containers.join("\n"));
    for (const container of containers) assert.match(container, /Up .*\(healthy\)/);
  });

  it("answers through the gateway with TLS, to Cloudflare's edge alone", async () => {
    const answer = await staging.visit(zone);
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.headers["x-color"], "blue");
    assert.equal((await staging.visit(zone, { path: "/health" })).status, 200);
    assert.equal((await staging.visit(zone, { as: "anybody" })).status, 403);
    const records = await clouds.cloudflare.call("GET", `/zones/${zone.id}/dns_records`);
    assert.equal(at(records, "0", "name"), staging.hostname);
    assert.equal(at(records, "0", "proxied"), true);
  });

  it("has nothing to do afterwards, and nothing differs from what is there", async () => {
    const again = succeeded(await staging.stack.up("--expect-no-changes"));
    assert.deepEqual(changed(again), {}, again.output);
    succeeded(await staging.stack.preview("--refresh", "--expect-no-changes"));
  });

  it("sees what a person changed by hand at AWS and at Cloudflare, and puts it back", async () => {
    await clouds.aws.query("ec2", REGION, "CreateTags", {
      "ResourceId.1": await idOf("-machine-instance"),
      "Tag.1.Key": "Name",
      "Tag.1.Value": "somebody",
    });
    const record = await idOf(" edge-record");
    const byHand = { name: staging.hostname, type: "A", content: "203.0.113.9", ttl: 1, proxied: false };
    await clouds.cloudflare.call("PUT", `/zones/${zone.id}/dns_records/${record}`, byHand);
    const seen = succeeded(await staging.stack.preview("--refresh"));
    assert.deepEqual(changed(seen), { update: 2 }, seen.output);
    succeeded(await staging.stack.up("--refresh"));
    succeeded(await staging.stack.preview("--refresh", "--expect-no-changes"));
    const instance = await idOf("-machine-instance");
    const tags = await clouds.aws.query("ec2", REGION, "DescribeTags", {
      "Filter.1.Name": "resource-id",
      "Filter.1.Value.1": instance,
    });
    assert.match(tags, new RegExp(`<value>${project.name}-staging-host</value>`));
  });

  it("flips to a new release, which one resource does", async () => {
    staging.set("green", { ...staging.pushed.releases[1] });
    const released = succeeded(await staging.stack.up());
    assert.equal((await staging.visit(zone)).headers["x-color"], "blue", released.output);
    staging.set("active", "green");
    const flipped = succeeded(await staging.stack.up());
    assert.deepEqual(changed(flipped), { update: 1 }, flipped.output);
    assert.equal((await staging.visit(zone)).headers["x-color"], "green");
  });

  it("plans another instance type as a change in place, not as another machine", async () => {
    const before = staging.stack.config;
    staging.merge("host", { instanceType: "t3.medium" });
    const planned = succeeded(await staging.stack.preview());
    // The instance, and the contact that waits for it to be back.
    assert.deepEqual(changed(planned), { update: 2 }, planned.output);
    assert.match(planned.output, /instanceType: "t3\.small" => "t3\.medium"/);
    staging.stack.config = before;
  });

  it("is not destroyed while its data is protected", async () => {
    const before = await staging.stack.ids();
    const refused = await staging.stack.destroyAfterPreview();
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /cannot be deleted\s+because it is protected/);
    assert.deepEqual(await staging.stack.ids(), before);
    assert.equal((await staging.visit(zone)).status, 200);
  });

  it("leaves the data volume in AWS when it is destroyed, and says so", async () => {
    const volume = await idOf("-volume-disk");
    await staging.stack.pulumi("state", "unprotect", "--all", "--yes");
    const destroyed = succeeded(await staging.stack.destroy());
    assert.match(destroyed.output, new RegExp(`the data volume ${volume} .* stays in AWS`));
    const found = await clouds.aws.query("ec2", REGION, "DescribeVolumes", { "VolumeId.1": volume });
    assert.match(found, /<status>available<\/status>/);
    const left = [...(await staging.stack.ids()).keys()].filter((name) => !name.startsWith("pulumi:"));
    assert.deepEqual(left, []);
    assert.deepEqual(await clouds.cloudflare.call("GET", `/zones/${zone.id}/dns_records`), []);
  });
});
