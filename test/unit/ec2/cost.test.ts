import assert from "node:assert/strict";
import { reportBudget } from "../../../components/config/budget.ts";
import { estimateCost } from "../../../components/config/cost.ts";
import { INSTANCE_TYPES } from "../../../components/config/instance-types.ts";
import { REGION, ec2Settings } from "../../support/ec2.ts";

const MEMORY = { api: 128, web: 32, worker: 192, beat: 96, postgres: 192, redis: 64, gateway: 64 };
const totalOf = (change: object, region = REGION) => {
  const estimate = estimateCost(ec2Settings({ ...change }), region);
  assert.ok(estimate.kind === "known");
  return estimate.totalUsd;
};

describe("the monthly estimate", () => {
  it("adds up the machine, its address, disks, snapshots and alarms", () => {
    const estimate = estimateCost(ec2Settings(), REGION);
    assert.deepEqual(estimate, {
      kind: "known",
      lines: [
        { what: "instance t3.small", usd: 17.52 },
        { what: "public IPv4 address", usd: 3.65 },
        { what: "gp3 disks, 10 + 20 GB", usd: 2.86 },
        { what: "snapshots, at most 26 GB", usd: 1.4 },
        { what: "5 alarms, 2 metrics", usd: 1.1 },
      ],
      totalUsd: 26.53,
    });
  });

  it("follows what the config asks for, and the region", () => {
    assert.ok(totalOf({ instanceType: "t3.micro" }) < totalOf({}));
    assert.ok(totalOf({ dataVolumeGb: 200 }) > totalOf({}) + 17);
    assert.ok(totalOf({ snapshots: { keep: 100 } }) > totalOf({}) + 4);
    assert.ok(totalOf({}, "us-east-1") < totalOf({}));
  });

  it("says that it does not know a region's prices instead of guessing", () => {
    assert.deepEqual(estimateCost(ec2Settings(), "ap-south-2"), {
      kind: "unknown",
      why: "the table has prices of us-east-1 and eu-central-1, not of ap-south-2",
    });
  });

  it("stands on a table whose figures hang together", () => {
    for (const [name, type] of Object.entries(INSTANCE_TYPES)) {
      assert.equal(type.architecture, /^[a-z]+\d+g/.test(name) ? "arm64" : "x86_64", name);
      assert.equal("credits" in type, name.startsWith("t"), name);
      assert.ok(type.hourlyUsd["us-east-1"] < type.hourlyUsd["eu-central-1"], name);
      assert.ok(type.hourlyUsd["us-east-1"] > 0.006 * (type.memoryMb / 1024), name);
      assert.ok(type.hourlyUsd["eu-central-1"] < 0.014 * (type.memoryMb / 1024) + 0.04, name);
    }
  });
});

describe("the plan that preview shows", () => {
  const report = (change: object = {}, hostMemoryMb = 2048, memoryMb = MEMORY) =>
    reportBudget({ host: ec2Settings({ ...change }), memoryMb }, hostMemoryMb, REGION);

  it("says in one line each what is promised and what it costs, with the parts beside it", () => {
    const { plan, warnings } = report();
    assert.equal(plan.memory, "576 MB promised of 1740 MB, 0.85 of the host's 2048 MB");
    assert.equal(plan.cost, "about 26.53 USD a month, without traffic and taxes");
    assert.equal(plan.memoryMb["api green"], 128);
    assert.equal(plan.costUsd?.["public IPv4 address"], 3.65);
    assert.deepEqual(warnings, []);
  });

  it("counts worker and beat of both colours where the stack has them", () => {
    const jobs = { worker: { command: ["w"], healthcheck: ["CMD", "h"], startSeconds: 1, graceSeconds: 1 } };
    const promised = (settings: object) =>
      reportBudget({ host: ec2Settings(), memoryMb: MEMORY, ...settings }, 2048, REGION).plan.memoryMb;
    assert.equal(promised({})["worker blue"], undefined);
    const both = promised({ ...jobs, beat: { command: ["b"] } });
    assert.deepEqual(
      ["worker blue", "worker green", "beat blue", "beat green"].map((what) => both[what]),
      [192, 192, 96, 96],
    );
  });

  it("warns when the memory is nearly used up, from nine tenths on", () => {
    const gib = (api: number) => report({}, 1024, { ...MEMORY, api }).warnings;
    assert.deepEqual(gib(231), []);
    assert.match(gib(232)[0] ?? "", /^memory is nearly used up: 784 of 870 MB are promised/);
  });

  it("warns when the host alone costs more than its own budget, or nobody knows", () => {
    const mail = "ops@example.com";
    assert.deepEqual(report({ alerts: { mail, budgetUsd: 27 } }).warnings, []);
    assert.match(
      report({ alerts: { mail, budgetUsd: 26 } }).warnings[0] ?? "",
      /more than host.alerts.budgetUsd \(26\)/,
    );
    const elsewhere = reportBudget({ host: ec2Settings(), memoryMb: MEMORY }, 2048, "ap-south-2");
    assert.match(elsewhere.warnings[0] ?? "", /the monthly cost is unknown/);
  });

  it("speaks of no money where nothing is rented", () => {
    const { plan } = reportBudget(
      { host: { kind: "local", engine: "unix:///x" }, memoryMb: MEMORY },
      2048,
      undefined,
    );
    assert.deepEqual(Object.keys(plan), ["memory", "memoryMb"]);
  });
});
