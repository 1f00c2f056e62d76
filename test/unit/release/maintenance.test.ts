import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { holdTime } from "../../../release/hold/command.ts";
import { type MaintenanceRequest, planMaintenance } from "../../../release/maintenance/plan.ts";
import { bypassSecret } from "../../../release/maintenance/maintenance.ts";
import { Refusal } from "../../../release/outcome.ts";
import { recordOf } from "../../support/fixtures.ts";
import { hostOf } from "../../support/stand-in-asked.ts";
import { StandInStack } from "../../support/stand-in-stack.ts";

const CONFIG: PlainMap = {
  active: "blue",
  blue: { release: "1", images: { api: "app:1" } },
  green: { release: "2", images: { api: "app:2" } },
};
const ON: MaintenanceRequest = { state: "on", retryAfterSeconds: 600, by: "Anna" };
const OFF: MaintenanceRequest = { state: "off", by: "Anna" };

function plan(request: MaintenanceRequest, record: StackRecord = recordOf(), config: PlainMap = CONFIG) {
  return planMaintenance({ stack: "dev", config, record }, request);
}

describe("the plan of maintenance", () => {
  it("is one key of the config, set or taken out", () => {
    assert.deepEqual(plan(ON), { maintenance: { retryAfterSeconds: 600, by: "Anna" } });
    assert.deepEqual(plan(OFF, recordOf({ maintenance: 600 })), { maintenance: undefined });
    assert.deepEqual(plan(ON, recordOf({ maintenance: 60 })), {
      maintenance: { retryAfterSeconds: 600, by: "Anna" },
    });
  });

  it("takes the key out where the update that set it never ended", () => {
    assert.deepEqual(plan(OFF, recordOf(), { ...CONFIG, maintenance: {} }), { maintenance: undefined });
  });

  it("refuses what is so already, what is too long, and a file that was not carried out", () => {
    assert.throws(() => plan(ON, recordOf({ maintenance: 600 })), /on already/);
    assert.throws(() => plan(OFF), /off already/);
    assert.throws(() => plan({ ...ON, retryAfterSeconds: 86_401 }), /a day at the most/);
    assert.throws(() => plan(ON, recordOf(), { ...CONFIG, active: "green" }), /says active: green/);
  });
});

describe("the time of a hold", () => {
  it("is 30 seconds at the most", () => {
    assert.equal(holdTime("30s"), 30);
    assert.throws(() => holdTime("31s"), /30s at the most/);
    assert.throws(() => holdTime("1m"), /maintenance on/);
    assert.throws(() => holdTime("soon"), /a time such as/);
  });
});

describe("the team's link past maintenance", () => {
  let stack: StandInStack;
  beforeEach(async () => {
    stack = await StandInStack.make(":");
    await mkdir(join(stack.host, "gateway/conf"), { recursive: true });
  });
  afterEach(() => stack.remove());
  const secret = () => bypassSecret(hostOf(stack), "dev");

  it("is none while maintenance is off, and says so", async () => {
    await assert.rejects(
      secret(),
      (error) =>
        error instanceof Refusal &&
        error.message === "there is no link: maintenance is off" &&
        error.fix === "npx bluegreen maintenance on --stack dev",
    );
  });

  it("holds the host's secret while it is on", async () => {
    await writeFile(join(stack.host, "gateway/conf/bypass"), "5f3a\n");
    assert.equal(await secret(), "5f3a");
  });

  it("says of a host that does not answer, or keeps its folder from us, just that", async () => {
    await rm(join(stack.host, "gateway"), { recursive: true });
    await assert.rejects(secret(), { name: "HostError", message: /gateway\/conf/ });
    for (const program of ["sh", "cat"]) await stack.program(program, "echo 'no way there' >&2; exit 255");
    await assert.rejects(secret(), { name: "HostError", message: /no way there/ });
  });
});
