import assert from "node:assert/strict";
import { planMachine } from "../../../components/host/ec2/plan.ts";
import { REGION, ec2RecordOf, ec2Settings } from "../../support/ec2.ts";

const UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id";
const PIN = { kind: "ami", id: "ami-0bbbbbbbbbbbbbbbb", architecture: "x86_64" };
const RECORDED = { kind: "known", id: "ami-0aaaaaaaaaaaaaaaa" };

describe("the machine of an EC2 host", () => {
  it("takes the channel's image at the first up, and keeps it when that up has to be repeated", () => {
    const plan = planMachine(ec2Settings(), REGION, undefined);
    assert.deepEqual(plan.image, { kind: "ask", parameter: UBUNTU });
    assert.deepEqual(plan.ignoreChanges, ["ami"]);
  });

  it("stays what it is while nothing of the config asks for another: no newer image, no newer first boot", () => {
    const plan = planMachine(ec2Settings(), REGION, ec2RecordOf());
    assert.deepEqual(plan.image, RECORDED);
    assert.deepEqual(plan.ignoreChanges, ["userDataBase64"]);
    assert.equal(plan.birth, ec2RecordOf().birth);
  });

  it("grows in place: another size, another disk or another mail replaces nothing", () => {
    const grown = ec2Settings({
      instanceType: "t3.large",
      dataVolumeGb: 40,
      alerts: { mail: "a@b.example", budgetUsd: 9 },
    });
    assert.equal(planMachine(grown, REGION, ec2RecordOf()).birth, ec2RecordOf().birth);
    assert.deepEqual(planMachine(grown, REGION, ec2RecordOf()).image, RECORDED);
  });

  for (const [what, change, image] of [
    ["another image", { image: PIN }, { kind: "known", id: PIN.id }],
    ["another generation", { generation: 2 }, RECORDED],
    ["another user", { user: "ops" }, RECORDED],
    [
      "another architecture",
      { instanceType: "t4g.small" },
      { kind: "ask", parameter: UBUNTU.replace("amd64", "arm64") },
    ],
    [
      "another channel",
      {
        image: { kind: "channel", channel: "debian-13" },
        access: { kind: "ranges", cidrs: ["203.0.113.0/24"] },
      },
      { kind: "ask", parameter: "/aws/service/debian/release/13/latest/amd64" },
    ],
  ] as const) {
    it(`is made anew for ${what}, with this version's first boot and a boot key of its own`, () => {
      const plan = planMachine(ec2Settings(change), REGION, ec2RecordOf());
      assert.deepEqual(plan.image, image);
      assert.deepEqual(plan.ignoreChanges, []);
      assert.notEqual(plan.birth, ec2RecordOf().birth);
    });
  }

  it("follows a pin at once, the first up included", () => {
    const plan = planMachine(ec2Settings({ image: PIN }), REGION, undefined);
    assert.deepEqual([plan.image, plan.ignoreChanges], [{ kind: "known", id: PIN.id }, []]);
  });
});
