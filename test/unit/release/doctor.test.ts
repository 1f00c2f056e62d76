import assert from "node:assert/strict";
import type { Found } from "../../../components/host/ssh-look.ts";
import { containersOf } from "../../../components/slot/record.ts";
import { type Looked, checksOf } from "../../../release/doctor/checks.ts";
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
  ...{ differs: [], takenBack: null },
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

const around = { engineVersion: "3.259.0", locks: [], now: Date.parse("2026-06-01T00:00:00Z") };

/** What is wrong, as `what: is`. */
function wrong(change: {
  readonly status?: Partial<Status>;
  readonly found?: Partial<Found>;
  readonly other?: Partial<Looked>;
}): readonly string[] {
  const looked = {
    ...{ record, shared, ...around, ...change.other },
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
      { status: { differs: [{ key: "canary", file: "10", state: "0" }] } },
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

  it("finds a lock that a killed update left, and leaves one alone that is held", () => {
    const lock = { by: "anna@desk, process 7", since: "2026-06-01T00:00:00Z" };
    assert.deepEqual(wrong({ other: { locks: undefined } }), []);
    const said = (runs: boolean | undefined) => wrong({ other: { locks: [{ ...lock, runs }] } });
    assert.deepEqual(said(true), []);
    assert.deepEqual(said(false), [`lock: an update of ${lock.by}, since ${lock.since}, was killed`]);
    assert.match(said(undefined)[0] ?? "", /runs or was killed, on another machine$/);
  });

  it("finds an engine and a Docker that are too old", () => {
    assert.deepEqual(wrong({ other: { engineVersion: "3.99.1" } }), ["pulumi: 3.99.1"]);
    assert.deepEqual(wrong({ found: { engine: { kind: "answers", apiVersion: 1.4 } } }), ["engine: API 1.4"]);
  });

  it("finds a certificate that nobody renewed", () => {
    const certificate = { generation: 1, fingerprint: "abc", notBefore: "2026-01-01T00:00:00Z" };
    const until = (notAfter: string) =>
      wrong({
        found: { observation: { ...found.observation, certificate: "abc" } },
        other: { record: { ...record, certificate: { ...certificate, notAfter } } },
      });
    assert.deepEqual(until("2026-07-01T00:00:00Z"), []);
    assert.deepEqual(until("2026-06-10T00:00:00Z"), ["certificate's validity: for another 9 days"]);
    assert.deepEqual(until("2026-05-31T00:00:00Z"), ["certificate's validity: expired 2026-05-31T00:00:00Z"]);
  });

  it("says that maintenance is on, and where the host alone has it", () => {
    const gateway = { live: "blue", canary: 0, maintenance: 600 } as const;
    const on = { ...status, gateway };
    const start = { ...found, observation: { ...found.observation, start: "blue 0 600" } };
    const checks = checksOf({
      ...around,
      record: { ...record, maintenance: 600 },
      shared,
      status: on,
      found: start,
    });
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
