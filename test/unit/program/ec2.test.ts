import assert from "node:assert/strict";
import { MINIMAL, recordOf, slotSpecOf } from "../../support/fixtures.ts";
import { EC2, REGION, ec2RecordOf, ec2Settings } from "../../support/ec2.ts";
import { type ProgramRun, type Registration, runProgram } from "../../support/program.ts";

const release = (id: string) => ({ release: id, images: { api: `app@sha256:${id.repeat(64)}` } });
const CONFIG = {
  ...MINIMAL,
  blue: JSON.stringify(release("1")),
  green: JSON.stringify(release("2")),
};
const GET_PARAMETER = "aws:ssm/getParameter:getParameter";
const NEWEST = { [GET_PARAMETER]: { value: "ami-0ccccccccccccccccc" } };

const VISITORS = ["198.51.100.0/24"];
const RECORD = {
  ec2: ec2RecordOf(ec2Settings({ visitors: VISITORS })),
  directory: "/var/lib/bluegreen/bluegreen-prod",
  slots: { blue: slotSpecOf("blue", release("1")), green: slotSpecOf("green", release("2")) },
};
const LOOK = () =>
  `clock ${Math.floor(Date.now() / 1000)}\nengine 1.45\nmemoryMb 2048\ndiskFreeMb 20480\nend\n`;

interface Change {
  readonly host?: object;
  readonly look?: string;
  readonly record?: Parameters<typeof recordOf>[0];
  readonly calls?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function run({ host = {}, record, look, calls = NEWEST }: Change = {}): Promise<ProgramRun> {
  return runProgram({
    stack: "prod",
    config: { ...CONFIG, host: JSON.stringify({ ...EC2, visitors: VISITORS, ...host }) },
    otherConfig: { "aws:region": REGION },
    calls,
    ...(record && { record: recordOf(record) }),
    ...(look !== undefined && { look }),
  });
}

const ofType = ({ registrations }: ProgramRun, type: string) =>
  registrations.filter((one) => one.type === type);

function only(program: ProgramRun, type: string): Registration {
  const [one, ...more] = ofType(program, type);
  assert.ok(one && more.length === 0, `${type}: ${more.length + (one ? 1 : 0)}`);
  return one;
}

function named(program: ProgramRun, name: string): Registration {
  const found = program.registrations.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

function ancestors(program: ProgramRun, name: string): Set<string> {
  const all = new Set<string>();
  const visit = (one: string) => {
    for (const { dependsOn } of program.registrations.filter((registration) => registration.name === one)) {
      for (const needed of dependsOn.filter((each) => !all.has(each))) {
        all.add(needed);
        visit(needed);
      }
    }
  };
  visit(name);
  return all;
}

const SECRET = "1b47061264138c4ac30d75fd1eb44270";

describe("the whole program on an EC2 host", () => {
  let program: ProgramRun;
  before(async () => {
    program = await run();
  });

  it("takes the metadata by token only and one hop away, and encrypts every disk", () => {
    const { inputs } = only(program, "aws:ec2/instance:Instance");
    assert.deepEqual(inputs["metadataOptions"], {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: 1,
    });
    assert.equal(only(program, "aws:ebs/volume:Volume").inputs["encrypted"], true);
    const root = inputs["rootBlockDevice"];
    assert.ok(root !== null && typeof root === "object" && "encrypted" in root && root.encrypted === true);
    // No EC2 key pair: whose keys log in is in the config.
    assert.equal(inputs["keyName"], undefined);
  });

  it("opens no port but the pages', to nobody but those who may ask for them", () => {
    const rule = only(program, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule");
    assert.deepEqual(
      [rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["ipProtocol"]],
      [8080, 8080, "tcp"],
    );
    assert.equal(rule.inputs["cidrIpv4"], undefined);
    const list = only(program, "aws:ec2/managedPrefixList:ManagedPrefixList");
    assert.deepEqual(list.inputs["entries"], [{ cidr: "198.51.100.0/24" }]);
    const closed = only(program, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    assert.deepEqual([closed.inputs["ingress"], closed.inputs["egress"]], [[], []]);
    // Rules inside a group would be undone by, and undo, those beside it.
    const group = only(program, "aws:ec2/securityGroup:SecurityGroup");
    assert.deepEqual([group.inputs["ingress"], group.inputs["egress"]], [undefined, undefined]);
  });

  it("opens SSH to the ranges of the config alone", async () => {
    const access = { kind: "ranges", cidrs: ["203.0.113.0/24"] };
    const rules = ofType(
      await run({ host: { access } }),
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    );
    const ssh = rules.filter(({ inputs }) => inputs["fromPort"] === 22);
    assert.deepEqual(
      ssh.map(({ inputs }) => inputs["cidrIpv4"]),
      ["203.0.113.0/24"],
    );
    assert.ok(!JSON.stringify(rules).includes("0.0.0.0/0"));
  });

  it("never loses data by itself: the disk and the backups are protected and stay in AWS", () => {
    for (const type of ["aws:ebs/volume:Volume", "aws:s3/bucket:Bucket"]) {
      const kept = only(program, type);
      assert.deepEqual([kept.protect, kept.retainOnDelete], [true, true], type);
    }
    const notice = program.registrations.find(({ name }) => name === "bluegreen-prod-volume-notice");
    assert.match(String(notice?.inputs["delete"]), /stays in AWS, with its snapshots, and is paid for/);
    const closed = only(program, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs;
    for (const way of ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]) {
      assert.equal(closed[way], true, way);
    }
  });

  it("lets the old machine go before the new one comes, and stops it before its disk is taken away", () => {
    for (const type of [
      "aws:ec2/instance:Instance",
      "aws:ec2/volumeAttachment:VolumeAttachment",
      "aws:ec2/eipAssociation:EipAssociation",
    ]) {
      assert.equal(only(program, type).deleteBeforeReplace, true, type);
    }
    const attachment = only(program, "aws:ec2/volumeAttachment:VolumeAttachment");
    assert.equal(attachment.inputs["stopInstanceBeforeDetaching"], true);
    // The address does not go with the machine.
    assert.ok(!ancestors(program, "bluegreen-prod-machine-address").has("bluegreen-prod-machine-instance"));
    assert.ok(!ancestors(program, "bluegreen-prod-volume-disk").has("bluegreen-prod-machine-instance"));
  });

  it("asks for the newest image once, and stays with what it took", async () => {
    const first = only(program, "aws:ec2/instance:Instance");
    assert.equal(first.inputs["ami"], NEWEST[GET_PARAMETER].value);
    assert.deepEqual(first.ignoreChanges, ["ami"]);
    // No answer to any call: the program asks for nothing any more.
    const later = only(
      await run({
        host: { key: { kind: "file", path: "/dev/null" } },
        record: RECORD,
        calls: {},
        look: LOOK(),
      }),
      "aws:ec2/instance:Instance",
    );
    assert.equal(later.inputs["ami"], "ami-0aaaaaaaaaaaaaaaa");
    assert.deepEqual(later.ignoreChanges, ["userDataBase64"]);
  });

  it("makes the machine anew without asking the old one, prepares it, and has the switch prove it", async () => {
    // There is no ssh on this run's PATH: a look would fail it.
    const anew = await run({ host: { generation: 2 }, record: RECORD, calls: {} });
    const instance = only(anew, "aws:ec2/instance:Instance");
    assert.equal(instance.inputs["ami"], "ami-0aaaaaaaaaaaaaaaa");
    assert.deepEqual(instance.ignoreChanges, []);
    const birth = (of: ProgramRun) => named(of, "bluegreen-prod-machine-boot-key").inputs["triggers"];
    assert.notDeepEqual(birth(anew), birth(program));
    assert.match(String(named(anew, "host-prepare").inputs["create"]), /repair=1/);
    assert.match(String(named(anew, "switch-flip").inputs["create"]), /repair=1/);
    assert.deepEqual(
      named(anew, RECORD.slots.blue.containers.api.name).inputs,
      slotSpecOf("blue", release("1")).containers.api,
    );
  });

  it("keeps the key that the machine is born with a secret, everywhere", () => {
    const instance = only(program, "aws:ec2/instance:Instance");
    assert.ok(JSON.stringify(instance.inputs["userDataBase64"]).includes(SECRET), "user data is plain");
    const key = program.registrations.find(({ name }) => name === "bluegreen-prod-machine-boot-key");
    assert.deepEqual(key?.additionalSecretOutputs, ["stdout", "stderr"]);
    const plain = JSON.stringify(
      program.registrations
        .filter(({ name }) => name !== "bluegreen-prod-machine-instance")
        .map(({ inputs }) => inputs),
    );
    assert.ok(!plain.includes("BEGIN OPENSSH PRIVATE KEY"));
  });

  it("talks to the machine only after its first contact, and to its engine only after that", () => {
    for (const name of [
      "host-prepare",
      "host-docker",
      "host-scripts",
      "bluegreen-prod-api-blue",
      "switch-flip",
    ]) {
      const needed = ancestors(program, name);
      assert.ok(needed.has("bluegreen-prod-contact"), name);
      assert.ok(needed.has("bluegreen-prod-machine-data"), `${name} before the data volume`);
      assert.ok(needed.has("bluegreen-prod-machine-addressed"), `${name} before the address`);
    }
    const prepare = program.registrations.find(({ name }) => name === "host-prepare");
    assert.match(String(prepare?.inputs["create"]), /--data-root \/var\/lib\/bluegreen\/docker/);
  });

  it("puts everything in AWS under the names of the project and the stack", () => {
    for (const { name, inputs } of program.registrations.filter(({ type }) => type.startsWith("aws:"))) {
      const tags = inputs["tags"];
      if (tags === undefined) continue;
      assert.ok(tags !== null && typeof tags === "object", name);
      assert.ok("bluegreen.project" in tags && "bluegreen.stack" in tags, name);
      assert.deepEqual([tags["bluegreen.project"], tags["bluegreen.stack"]], ["bluegreen", "prod"], name);
    }
  });

  it("refuses containers that the machine's memory does not hold, before anything is declared", async () => {
    await assert.rejects(
      runProgram({
        stack: "prod",
        config: {
          ...CONFIG,
          memoryMb: '{"api":800}',
          host: JSON.stringify({ ...EC2, visitors: VISITORS }),
        },
        otherConfig: { "aws:region": REGION },
      }),
      /bluegreen:memoryMb: got 1920 MB .*; allowed: at most 1740 MB, 0.85 of the host's 2048 MB/,
    );
  });
});
