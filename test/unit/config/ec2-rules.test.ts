import assert from "node:assert/strict";
import { prefixLength } from "../../../components/config/cidr.ts";
import { checkEc2 } from "../../../components/config/ec2-rules.ts";
import { checkAcrossKeys } from "../../../components/config/rules.ts";
import { recordOf, slotSpecOf } from "../../support/fixtures.ts";
import { parseConfig } from "../../../components/config/parse.ts";
import type { Ec2Record } from "../../../components/host/ec2/record.ts";
import type { Problem } from "../../../components/config/problems.ts";
import { EC2, REGION, ec2RecordOf, ec2Settings } from "../../support/ec2.ts";

const CLOUDFLARE = { kind: "cloudflare", zone: "example.com", hostname: "app.example.com" } as const;

/** Problems across keys, of an EC2 host behind Cloudflare. */
function across(change: object, previous?: Ec2Record, region: string | undefined = REGION): Problem[] {
  const edge = parseConfig({ edge: JSON.stringify(CLOUDFLARE) }).settings.edge;
  return checkEc2(ec2Settings({ ...change }), { region, edge, previous });
}

function only(problems: readonly Problem[]): Problem {
  assert.equal(problems.length, 1, JSON.stringify(problems));
  const [problem] = problems;
  assert.ok(problem);
  return problem;
}

/** The one problem of a host's keys by themselves. */
function alone(change: object): Problem {
  const { problems } = parseConfig({ host: JSON.stringify({ ...EC2, ...change }) });
  return only(problems.filter(({ key }) => key.startsWith("host")));
}

describe("the config of an EC2 host", () => {
  it("is complete with these few keys; the rest has defaults", () => {
    const { problems } = parseConfig({ host: JSON.stringify(EC2) });
    assert.deepEqual(
      problems.filter(({ key }) => key.startsWith("host")),
      [],
    );
    const settings = ec2Settings();
    assert.deepEqual(settings.snapshots, { everyHours: 24, keep: 7 });
    assert.deepEqual(settings.connect, { kind: "forwarded", address: "127.0.0.1", port: 2222 });
    assert.deepEqual([settings.user, settings.generation, settings.dataVolumeGb], ["deploy", 1, 20]);
  });

  for (const [what, change, key, allowed] of [
    [
      "an instance type that nobody knows",
      { instanceType: "t3.huge" },
      "host.instanceType",
      /^one of t2\.micro, /,
    ],
    [
      "an image by no more than its name",
      { image: { kind: "latest" } },
      "host.image.kind",
      /an object whose kind is "channel" or "ami"/,
    ],
    [
      "a channel without a publisher",
      { image: { kind: "channel", channel: "latest" } },
      "host.image.channel",
      /"ubuntu-24.04" or "debian-13"/,
    ],
    [
      "half an AMI id",
      { image: { kind: "ami", id: "ami-12", architecture: "arm64" } },
      "host.image.id",
      /ami-0123/,
    ],
    [
      "a public network of its own",
      { network: { kind: "own", zone: "eu-central-1a", cidr: "8.8.0.0/16" } },
      "host.network.cidr",
      /a private IPv4 range/,
    ],
    [
      "a network too small for a subnet",
      { network: { kind: "own", zone: "eu-central-1a", cidr: "10.0.0.0/29" } },
      "host.network.cidr",
      /\/16 to \/28/,
    ],
    [
      "a range that is none",
      { access: { kind: "ranges", cidrs: ["203.0.113.0/33"] } },
      "host.access.cidrs[0]",
      /an IPv4 range/,
    ],
    [
      "a range with host bits",
      { access: { kind: "ranges", cidrs: ["203.0.113.7/24"] } },
      "host.access.cidrs[0]",
      /without host bits/,
    ],
    ["SSH from nobody", { access: { kind: "ranges", cidrs: [] } }, "host.access.cidrs", /at least one range/],
    ["nobody who may log in", { authorizedKeys: [] }, "host.authorizedKeys", /at least one public key/],
    [
      "a private key where a public one belongs",
      { authorizedKeys: ["-----BEGIN"] },
      "host.authorizedKeys[0]",
      /a public key/,
    ],
    [
      "a key with a quote in it",
      { authorizedKeys: ["ssh-ed25519 AAAA it's"] },
      "host.authorizedKeys[0]",
      /a public key/,
    ],
    [
      "a schedule that DLM does not know",
      { snapshots: { everyHours: 5 } },
      "host.snapshots.everyHours",
      /1, 2, 3, 4, 6, 8, 12 or 24 hours/,
    ],
    ["no mail address", { alerts: { mail: "ops", budgetUsd: 9 } }, "host.alerts.mail", /a mail address/],
  ] as const) {
    it(`refuses ${what}`, () => {
      const problem = alone(change);
      assert.equal(problem.key, key);
      assert.match(problem.allowed, allowed);
      assert.match(problem.fix, /^pulumi config /);
    });
  }

  it("needs the AWS provider's own region, and says so with its own key", () => {
    const problem = only(
      checkEc2(ec2Settings(), { region: undefined, edge: undefined, previous: undefined }),
    );
    assert.equal(problem.key, "aws:region");
    assert.equal(problem.fix, "pulumi config set 'aws:region' 'eu-central-1'");
  });

  it("refuses an image of an architecture that the type does not run, both ways", () => {
    const arm = { image: { kind: "ami", id: "ami-0123456789abcdef0", architecture: "arm64" } };
    assert.match(only(across(arm)).allowed, /^"x86_64", which t3.small runs/);
    assert.deepEqual(across({ ...arm, instanceType: "t4g.small" }), []);
    const intel = { image: { ...arm.image, architecture: "x86_64" }, instanceType: "t4g.small" };
    assert.match(only(across(intel)).allowed, /^"arm64", which t4g.small runs/);
  });

  it("refuses SSH from everywhere, in one range or in two halves", () => {
    const open = (...cidrs: string[]) => across({ access: { kind: "ranges", cidrs } }).map(({ key }) => key);
    assert.deepEqual(open("0.0.0.0/0"), ["host.access.cidrs[0]"]);
    assert.deepEqual(open("203.0.113.0/24", "0.0.0.0/1", "128.0.0.0/1"), [
      "host.access.cidrs[1]",
      "host.access.cidrs[2]",
    ]);
    assert.deepEqual(open("203.0.0.0/16", "198.51.100.7/32"), []);
  });

  it("refuses a way in that the security group does not let through", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0rjJZzIM5HWGHsMsiyMk8qpkNlqMVl41BCIdqbQnUs";
    const bastion = { kind: "bastion", address: "203.0.113.9", user: "jump", hostKey: key };
    const ranges = { kind: "ranges", cidrs: ["203.0.113.0/24"] };
    for (const connect of [{ kind: "public" }, { kind: "private" }, bastion]) {
      assert.equal(only(across({ connect })).key, "host.connect.kind", connect.kind);
    }
    assert.deepEqual(across({ connect: { kind: "public" }, access: ranges }), []);
    assert.deepEqual(
      across({ connect: bastion, access: { kind: "bastion", securityGroup: "sg-0123456789abcdef0" } }),
      [],
    );
    assert.deepEqual(across({ connect: { kind: "forwarded" }, access: ranges }), []);
  });

  it("refuses Session Manager on an image without its agent", () => {
    const image = { kind: "channel", channel: "debian-13" };
    assert.match(only(across({ image })).allowed, /whose image carries the agent/);
    assert.deepEqual(across({ image, access: { kind: "ranges", cidrs: ["203.0.113.0/24"] } }), []);
  });

  it("knows who asks for pages: Cloudflare alone where it stands in front, named ranges where it does not", () => {
    assert.match(only(across({ visitors: ["0.0.0.0/0"] })).allowed, /only its ranges may reach the host/);
    const without = (change: object) =>
      checkEc2(ec2Settings({ ...change }), { region: REGION, edge: { kind: "none" }, previous: undefined });
    assert.equal(only(without({})).key, "host.visitors");
    assert.deepEqual(without({ visitors: ["0.0.0.0/0"] }), []);
  });

  it("refuses a zone of another region", () => {
    assert.equal(only(across({}, undefined, "us-east-1")).key, "host.network.zone");
  });

  it("refuses a lower generation than the machine has: a file from before would make it anew", () => {
    const was = ec2RecordOf(ec2Settings({ generation: 3 }));
    const lower = only(across({ generation: 2 }, was));
    assert.equal(
      `${lower.got}: ${lower.allowed}`,
      "2: 3, which the machine is, or more, which makes it anew",
    );
    assert.match(lower.fix, /'host.generation' '?3/);
    for (const generation of [3, 4]) assert.deepEqual(across({ generation }, was), []);
  });

  it("refuses to leave the data volume behind, and a smaller one", () => {
    const was = ec2RecordOf();
    assert.deepEqual(across({ dataVolumeGb: 21 }, was), []);
    assert.match(only(across({ dataVolumeGb: 19 }, was)).allowed, /^20 or more: a volume grows/);
    const moved = only(across({ network: { kind: "own", zone: "eu-central-1b" } }, was));
    assert.equal(moved.key, "host.network");
    assert.match(moved.fix, /'host.network.zone' 'eu-central-1a'/);
    const there = { network: { kind: "own", zone: "us-east-1a" } };
    assert.deepEqual(
      across(there, was, "us-east-1").map(({ key }) => key),
      ["aws:region", "host.network"],
    );
  });
});

describe("a machine that is made anew", () => {
  const release = (id: string) =>
    JSON.stringify({ release: id, images: { api: `app@sha256:${id.repeat(64)}` } });
  const problems = (change: object, slots: Record<string, string> = {}) => {
    const host = JSON.stringify({ ...EC2, visitors: ["0.0.0.0/0"], ...change });
    const blue = release("1");
    const green = release("2");
    const previous = recordOf({
      ec2: ec2RecordOf(),
      slots: {
        blue: slotSpecOf("blue", { release: "1", images: { api: `app@sha256:${"1".repeat(64)}` } }),
        green: slotSpecOf("green", { release: "2", images: { api: `app@sha256:${"2".repeat(64)}` } }),
      },
    });
    const parsed = parseConfig({ active: "blue", blue, green, host, ...slots });
    return checkAcrossKeys(parsed, previous, 2048, REGION);
  };

  it("comes with no release: that would be two things at once", () => {
    assert.deepEqual(problems({ generation: 2 }), []);
    assert.deepEqual(problems({}, { green: release("3") }), []);
    const problem = only(problems({ generation: 2 }, { green: release("3") }));
    assert.equal(problem.key, "green.release");
    assert.match(problem.allowed, /^"2": first the machine/);
    assert.match(problem.fix, /'green.release' '2'/);
  });
});

describe("an IPv4 range", () => {
  it("is one in its usual spelling only", () => {
    assert.equal(prefixLength("10.20.0.0/24"), 24);
    assert.equal(prefixLength("0.0.0.0/0"), 0);
    assert.equal(prefixLength("198.51.100.7/32"), 32);
    for (const none of [
      "10.20.0.0",
      "10.20.0.1/24",
      "256.0.0.0/8",
      "10.0.0.0/33",
      "::/0",
      " 10.0.0.0/8",
      "",
    ]) {
      assert.equal(prefixLength(none), undefined, none);
    }
  });
});
