import assert from "node:assert/strict";
import { z } from "zod";
import { accountOf, sshRules } from "../../../components/host/ec2/access.ts";
import { alarmsOf } from "../../../components/host/ec2/alarm-specs.ts";
import { bucketPolicy, machinePolicy, trust } from "../../../components/host/ec2/policies.ts";
import { farewell } from "../../../components/host/ec2/volume.ts";

const words = z.union([z.string(), z.array(z.string())]);
const policy = z.object({
  Statement: z.array(
    z.object({
      Sid: z.string().optional(),
      Effect: z.string(),
      Action: words,
      Resource: words.optional(),
      Condition: z.unknown().optional(),
    }),
  ),
});
const statements = (text: string) => policy.parse(JSON.parse(text)).Statement;

const POLICY = machinePolicy({
  bucketArn: "arn:aws:s3:::backup",
  parametersArn: "arn:aws:ssm:eu-central-1:123456789012:parameter/bluegreen/prod/*",
  namespace: "Bluegreen",
});

describe("what the machine may do in AWS", () => {
  it("is a closed list of actions, none with a wildcard", () => {
    const actions = statements(POLICY).flatMap(({ Action }) => Action);
    assert.deepEqual(actions.sort(), [
      "cloudwatch:PutMetricData",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:PutObject",
      "ssm:GetParameter",
      "ssm:GetParameters",
      "ssm:GetParametersByPath",
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]);
  });

  it("reaches its own bucket and parameters only; what knows no resources is a session and metrics of one namespace", () => {
    const wide = statements(POLICY).filter(({ Resource }) => Resource === "*");
    assert.deepEqual(
      wide.map(({ Sid }) => Sid),
      ["Session", "Metrics"],
    );
    assert.deepEqual(wide[1]?.Condition, { StringEquals: { "cloudwatch:namespace": "Bluegreen" } });
    const own = statements(POLICY).filter(({ Resource }) => Resource !== "*");
    assert.deepEqual(
      own.map(({ Resource }) => Resource),
      [
        "arn:aws:s3:::backup/*",
        "arn:aws:s3:::backup",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/bluegreen/prod/*",
      ],
    );
  });

  it("is trusted to the machine's service, and the snapshots' to theirs", () => {
    assert.match(trust("ec2.amazonaws.com"), /"Principal":\{"Service":"ec2.amazonaws.com"\}/);
    assert.equal(accountOf("arn:aws:iam::123456789012:role/host"), "123456789012");
  });

  it("lets nobody into the bucket without TLS", () => {
    const [only] = statements(bucketPolicy("arn:aws:s3:::backup"));
    assert.equal(only?.Effect, "Deny");
    assert.deepEqual(only.Resource, ["arn:aws:s3:::backup", "arn:aws:s3:::backup/*"]);
    assert.deepEqual(only.Condition, { Bool: { "aws:SecureTransport": "false" } });
  });
});

describe("SSH in the security group", () => {
  it("is closed for Session Manager", () => {
    assert.deepEqual(sshRules({ kind: "ssm" }), []);
  });

  it("is open to the bastion's group alone, or to the named ranges alone", () => {
    const [bastion, ...none] = sshRules({ kind: "bastion", securityGroup: "sg-0123456789abcdef0" });
    assert.deepEqual(
      [bastion?.referencedSecurityGroupId, bastion?.cidrIpv4, none],
      ["sg-0123456789abcdef0", undefined, []],
    );
    const rules = sshRules({ kind: "ranges", cidrs: ["203.0.113.0/24", "198.51.100.7/32"] });
    assert.deepEqual(
      rules.map(({ cidrIpv4, port }) => [cidrIpv4, port]),
      [
        ["203.0.113.0/24", 22],
        ["198.51.100.7/32", 22],
      ],
    );
    assert.equal(new Set(rules.map(({ rule }) => rule)).size, 2);
  });
});

describe("the alarms", () => {
  it("let AWS recover the machine and reboot it, and take the machine's silence for a failure", () => {
    const by = new Map(alarmsOf("t3.small").map((alarm) => [alarm.name, alarm]));
    assert.equal(by.get("recover")?.action, "recover");
    assert.equal(by.get("reboot")?.action, "reboot");
    assert.deepEqual(
      ["disk", "memory"].map((name) => by.get(name)?.silence),
      ["breaching", "breaching"],
    );
  });

  it("watch the credits of burstable types only", () => {
    assert.equal(alarmsOf("t3.micro").find(({ name }) => name === "credits")?.threshold, 12);
    assert.ok(!alarmsOf("m6i.large").some(({ name }) => name === "credits"));
  });
});

describe("destroying an EC2 host", () => {
  it("says which volume stays, that it costs, and how to remove it", () => {
    const said = farewell({ project: "bluegreen", stack: "prod" }, "vol-0123");
    assert.match(said, /vol-0123 of bluegreen-prod stays in AWS.*is paid for/);
    assert.match(said, /aws ec2 delete-volume --volume-id vol-0123$/);
  });
});
