import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LedgerEntry, ledgerLine } from "../../../components/ledger/entry.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { holdTime } from "../../../release/hold/command.ts";
import { type MaintenanceRequest, planMaintenance } from "../../../release/maintenance/plan.ts";
import { bypassSecret } from "../../../release/maintenance/maintenance.ts";
import { EXIT, Refusal } from "../../../release/outcome.ts";
import type { MovedBack } from "../../../release/watch/taken-back.ts";
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

function plan(
  request: MaintenanceRequest,
  record: StackRecord = recordOf(),
  config: PlainMap = CONFIG,
  moved?: MovedBack,
) {
  return planMaintenance({ stack: "dev", config, record, moved }, request);
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

  it("says where visitors are, where a watch took them back and the state does not know", () => {
    const keys = { active: "green", canary: 0 } as const;
    const moved = { release: "1", keys };
    const maintenance = { retryAfterSeconds: 600, by: "Anna" };
    assert.deepEqual(plan(ON, recordOf(), CONFIG, moved), { ...keys, maintenance });
    const closed = recordOf({ maintenance: 600 });
    assert.deepEqual(plan(OFF, closed, { ...CONFIG, maintenance }, moved), {
      ...keys,
      maintenance: undefined,
    });
    const byHand = { ...CONFIG, active: "green" };
    assert.deepEqual(
      plan(ON, recordOf(), byHand, moved),
      { ...keys, maintenance },
      "the file says so already",
    );
    const other = { ...byHand, green: { release: "3", images: { api: "app:3" } } };
    assert.throws(
      () => plan(ON, recordOf(), other, moved),
      /^Refusal: Pulumi.dev.yaml says green: release 3, and/,
    );
  });
});

describe("maintenance after a watch that nobody followed took the visitors back", () => {
  const bad: LedgerEntry = {
    ...{ event: "verdict", at: "2026-01-04T00:00:00Z", color: "blue", release: "1", verdict: "bad" },
    ...{ reason: "it errs", figures: {} },
  };
  let stack: StandInStack;
  beforeEach(async () => {
    // The file as the program meets it; one that sends visitors to the condemned release it refuses.
    stack = await StandInStack.make(`
      says() { sed -n "s/^  bluegreen:$1: *//p" Pulumi.dev.yaml; }
      [ "$(says active)" != blue ] || { echo 'error: active: got "blue", which runs release 1' >&2; exit 255; }
      changes switch
      say "active $(says active), canary $(says canary)"
    `);
    await stack.append(`${ledgerLine(bad)}\n`);
  });
  afterEach(() => stack.remove());

  it("is turned on by one command, which makes file and state say where they are", async () => {
    const on = await stack.bluegreen("maintenance", "on", "--by", "Anna").done;
    assert.equal(on.code, EXIT.done, on.output);
    assert.match(
      on.output,
      /the watch took the visitors back from release 1: the file says so too, active green, canary 0/,
    );
    assert.deepEqual(await stack.calls(), ["up: maintenance on", "active green, canary 0"]);
  });

  it("is over by one command, too, onto the colour that they are on", async () => {
    await stack.remember("outputs", recordOf({ live: "green", maintenance: 600 }));
    const says = (await stack.config()).replace("active: blue", "active: green");
    const closed = `${says}  bluegreen:maintenance: { retryAfterSeconds: 600, by: Anna }\n`;
    await writeFile(join(stack.folder, "Pulumi.dev.yaml"), closed);
    const off = await stack.bluegreen("maintenance", "off", "--by", "Anna").done;
    assert.equal(off.code, EXIT.done, off.output);
    assert.doesNotMatch(off.output, /took the visitors back/);
    assert.deepEqual(await stack.calls(), ["up: maintenance off", "active green, canary "]);
  });

  it("leaves the file as it was where it is refused", async () => {
    await writeFile(join(stack.folder, "up"), "echo 'error: no' >&2; exit 255");
    const before = await stack.config();
    const { code, output } = await stack.bluegreen("maintenance", "on", "--by", "Anna").done;
    assert.equal(code, EXIT.refused, output);
    assert.equal(await stack.config(), before);
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
