import assert from "node:assert/strict";
import type { Found } from "../../../components/host/ssh-look.ts";
import { containersOf } from "../../../components/slot/record.ts";
import { checksOf } from "../../../release/doctor/checks.ts";
import type { Status } from "../../../release/show/status.ts";
import { recordOf } from "../../support/fixtures.ts";

const record = recordOf();
const shared = ["gateway", "postgres"];

const found: Found = {
  engine: { kind: "answers", apiVersion: 1.44 },
  ...{ root: undefined, memoryMb: 1024, diskFreeMb: 9000, clockSkewSeconds: 0 },
  observation: { dictionary: "blue 0", start: "blue 0", conf: record.conf },
};
const plain = { image: "", imageId: "", release: "", color: "", settings: "", startedAt: "", restarts: 0 };
const status: Status = {
  ...{ stack: "dev", url: null, gateway: { live: "blue", canary: 0 }, unfinished: [] },
  believed: { state: "blue", config: "blue" },
  releases: { blue: { state: "1", config: "1" }, green: { state: "2", config: "2" } },
  containers: [
    ...shared.map((name) => ({ ...plain, name, health: "healthy" })),
    ...[record.slots.blue, record.slots.green].flatMap((spec) =>
      spec === null
        ? []
        : containersOf(spec).map(({ name, image, labels }) => ({
            ...{ ...plain, name, image, health: "healthy", release: spec.release },
            settings: labels.find(({ label }) => label === "bluegreen.settings")?.value ?? "",
          })),
    ),
  ],
};

/** What is wrong, as `what: is`. */
function wrong(change: {
  readonly status?: Partial<Status>;
  readonly found?: Partial<Found>;
}): readonly string[] {
  const looked = {
    ...{ record, shared },
    status: { ...status, ...change.status },
    found: { ...found, ...change.found },
  };
  return checksOf(looked).flatMap((check) => (check.ok ? [] : [`${check.what}: ${check.is}`]));
}

const without = (name: string) => status.containers.filter((one) => one.name !== name);
const changed = (name: string, change: Partial<Status["containers"][number]>) =>
  status.containers.map((one) => (one.name === name ? { ...one, ...change } : one));
const GREEN = "bluegreen-dev-api-green";

describe("a doctor", () => {
  it("finds nothing where nothing is wrong", () => {
    assert.deepEqual(wrong({}), []);
  });

  for (const [what, change, said] of [
    ["an engine that is gone", { found: { engine: { kind: "stopped" } } }, "engine: stopped"],
    ["a full disk", { found: { diskFreeMb: 100 } }, "disk: 100 MB free"],
    ["a clock that is wrong", { found: { clockSkewSeconds: -60 } }, "clock: -60 s from here"],
    ["scripts that are gone", { found: { observation: { scripts: "missing" } } }, "scripts: missing"],
    ["a gateway that is gone", { status: { gateway: null } }, "gateway's colour and canary: no answer"],
    [
      "a start file that says something else",
      { found: { observation: { ...found.observation, start: "green 0" } } },
      "after a restart of it: green 0",
    ],
    [
      "a configuration that was changed by hand",
      { found: { observation: { ...found.observation, conf: "abc" } } },
      "gateway's configuration: abc",
    ],
    ["a container that is gone", { status: { containers: without(GREEN) } }, `${GREEN}: missing`],
    [
      "a database that is ill",
      { status: { containers: changed("postgres", { health: "unhealthy" }) } },
      "postgres: unhealthy",
    ],
    [
      "a container of another release",
      { status: { containers: changed(GREEN, { release: "9" }) } },
      `${GREEN}: release 9, not 2`,
    ],
    [
      "other settings",
      { status: { containers: changed(GREEN, { settings: "x" }) } },
      `${GREEN}: other settings`,
    ],
    [
      "a file that was never carried out",
      { status: { believed: { state: "blue", config: "green" } } },
      /^file, state and host: Pulumi\.dev\.yaml is not what was brought up last/,
    ],
  ] as const) {
    it(`finds ${what}`, () => {
      const lines = wrong(change);
      assert.equal(lines.length, 1, lines.join("\n"));
      if (typeof said === "string") assert.equal(lines[0], said);
      else assert.match(lines[0] ?? "", said);
    });
  }

  it("says that maintenance is on, and where the host alone has it", () => {
    const gateway = { live: "blue", canary: 0, maintenance: 600 } as const;
    const on = { ...status, gateway };
    const start = { ...found, observation: { ...found.observation, start: "blue 0 600" } };
    const checks = checksOf({ record: { ...record, maintenance: 600 }, shared, status: on, found: start });
    assert.ok(checks.every(({ ok }) => ok));
    assert.ok(checks.some(({ what }) => what === "maintenance"));
    assert.deepEqual(wrong({ status: { gateway } }), ["gateway's colour and canary: blue 0 600"]);
  });

  it("says where the host and the state differ, in the gateway and as a whole", () => {
    const lines = wrong({ status: { gateway: { live: "green", canary: 0 } } });
    assert.equal(lines[0], "gateway's colour and canary: green 0");
    assert.match(lines[1] ?? "", /the state says blue is live, the host says green/);
  });
});
