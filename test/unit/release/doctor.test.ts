import assert from "node:assert/strict";
import type { Found } from "../../../components/host/ssh-look.ts";
import { containersOf } from "../../../components/slot/record.ts";
import { type Check, type Looked, checksOf } from "../../../release/doctor/checks.ts";
import type { Status } from "../../../release/show/status.ts";
import { EXIT } from "../../../release/outcome.ts";
import { stackContainers, taggedImages } from "../../../release/containers.ts";
import { recordOf } from "../../support/fixtures.ts";
import { alsoTells, hostOf } from "../../support/stand-in-asked.ts";
import { StandInStack } from "../../support/stand-in-stack.ts";

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

const tags = new Map([
  ["app:1", ""],
  ["app:2", ""],
]);
const around = { engineVersion: "3.259.0", locks: [], now: Date.parse("2026-06-01T00:00:00Z") };

interface Change {
  readonly status?: Partial<Status>;
  readonly found?: Partial<Found>;
  readonly host?: Partial<Extract<Looked["host"], { kind: "reached" }>>;
  readonly other?: Partial<Looked>;
}

function checks(change: Change): readonly Check[] {
  return checksOf({
    host: { kind: "reached", found: { ...found, ...change.found }, untold: undefined, tags, ...change.host },
    ...{ record, shared, ...around, ...change.other },
    status: { ...status, ...change.status },
  });
}

/** What is wrong, as `what: is`. */
function wrong(change: Change): readonly string[] {
  return checks(change).flatMap((check) => (check.ok ? [] : [`${check.what}: ${check.is}`]));
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
    ["an engine that is gone", { found: { engine: { kind: "stopped" } } }, "engine: does not answer"],
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

  const cut = { by: "Anna", at: "2026-06-01T00:00:00Z", release: "3", since: ["green began release 3"] };

  it("says of a command that was cut off what is known of it", () => {
    const lock = checks({ status: { unfinished: [{ command: "deploy", ...cut }] } }).at(-1);
    assert.equal(
      lock?.is,
      `none; deploy of release 3 by Anna began ${cut.at} and did not end: it runs, or was cut off (green began release 3)`,
    );
    assert.equal(lock.ok, true);
  });

  it("finds what a command could not put back, until nothing is left of it to be seen", () => {
    const left = "green could not be put back (locked): pulumi up --stack dev";
    const unfinished = [{ command: "deploy", ...cut, since: [], left }];
    const containers = changed(GREEN, { release: "3" });
    const [slot, behind, ...more] = checks({ status: { unfinished, containers } }).filter(({ ok }) => !ok);
    assert.ok(slot?.ok === false && behind?.ok === false && more.length === 0);
    assert.deepEqual(
      [behind.what, behind.is, behind.fix],
      [
        ...[
          "left behind",
          `deploy of release 3 by Anna, begun ${cut.at}, failed; ${left}, unless somebody did since`,
        ],
        "pulumi up --stack dev",
      ],
    );
    const mended = checks({ status: { unfinished } });
    assert.deepEqual(
      mended.filter(({ what, ok }) => !ok || what === "left behind").map(({ is }) => is),
      [behind.is],
    );
    assert.equal(mended.at(-1)?.is, "none", "it ended");
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
    const all = checks({
      ...{ status: on, found: start },
      other: { record: { ...record, maintenance: 600 } },
    });
    assert.ok(all.every(({ ok }) => ok));
    assert.ok(all.some(({ what }) => what === "maintenance"));
    assert.deepEqual(wrong({ status: { gateway } }), ["gateway's colour and canary: blue 0 600"]);
  });

  it("says where the host and the state differ, in the gateway and as a whole", () => {
    const lines = wrong({ status: { gateway: { live: "green", canary: 0 } } });
    assert.equal(lines[0], "gateway's colour and canary: green 0");
    assert.match(lines[1] ?? "", /the state says blue is live, the host says green/);
  });

  it("does not take an engine that says nothing for one without containers", () => {
    const engine = { kind: "stopped" } as const;
    const gone = checks({
      status: { containers: [], gateway: null },
      ...{ found: { engine }, host: { untold: "Cannot connect to the Docker daemon" } },
    });
    assert.deepEqual(
      gone.flatMap((one) => (one.ok ? [] : [`${one.what}: ${one.is}: ${one.fix}`])),
      [
        "engine: does not answer: pulumi up --stack dev starts it on a server; on this machine `make dev` does",
        "gateway's colour and canary: no answer: once the engine answers: npx bluegreen doctor --stack dev",
      ],
    );
    const odd = wrong({ status: { containers: [] }, host: { untold: "permission denied" } });
    assert.deepEqual(odd, ["containers: permission denied"]);
  });

  it("finds an image that was built anew under the tag of a release", () => {
    const moved = checks({ host: { tags: new Map([["app:2", "sha256:0123456789abcdef"]]) } });
    assert.deepEqual(
      moved.flatMap((one) => (one.ok ? [] : [`${one.what}: ${one.is}`])),
      [`${GREEN}: image app:2 was built anew since, as 0123456789ab`],
    );
    assert.deepEqual(wrong({ host: { tags: new Map() } }), [], "the host does not say");
  });

  it("shows what needs no host, where that is out of reach", () => {
    const unreached = { kind: "unreached", is: "no SSH connection", fix: "mend it" } as const;
    const differs = [{ key: "canary", file: "10", state: "0" }] as const;
    const all = checks({ status: { gateway: null, containers: [], differs }, other: { host: unreached } });
    assert.deepEqual(
      all.map(({ what, ok }) => `${what}: ${ok ? "ok" : "WRONG"}`),
      ["pulumi: ok", "host: WRONG", "file and state: WRONG", "lock: ok"],
    );
  });
});

describe("a doctor at the door", () => {
  let stack: StandInStack;
  beforeEach(async () => {
    stack = await StandInStack.make(":");
    await alsoTells(stack);
    await stack.program("curl", "exit 7");
  });
  afterEach(() => stack.remove());

  it("says of a host out of reach why, names another way than itself, and looks at the rest", async () => {
    await stack.program("sh", "echo 'no way there' >&2; exit 255");
    const { code, output, stdout } = await stack.bluegreen("doctor").done;
    assert.equal(code, EXIT.failed, output);
    assert.match(stdout, /^WRONG +host +the host does not answer as it should: no way there$/m);
    assert.match(stdout, /^ {2}host: mend what it names, then this again$/m);
    for (const row of [/^ok +pulumi +\d.*$/m, /^ok +file and state +agree$/m, /^ok +lock /m])
      assert.match(stdout, row);
  });

  it("says of an engine that does not answer just that", async () => {
    await stack.program("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    const { code, output, stdout } = await stack.bluegreen("doctor").done;
    assert.equal(code, EXIT.failed, output);
    assert.match(stdout, /^WRONG +engine +does not answer$/m);
    assert.doesNotMatch(stdout, /bluegreen-dev-/, "nothing is known of any container");
    const status = await stack.bluegreen("status").done;
    assert.equal(status.code, EXIT.refused, status.output);
    assert.match(status.output, /Cannot connect to the Docker daemon/);
  });
});

describe("the containers of a stack", () => {
  let stack: StandInStack;
  beforeEach(async () => {
    stack = await StandInStack.make(":");
  });
  afterEach(() => stack.remove());

  const containers = () => stackContainers(hostOf(stack), { project: "bluegreen", stack: "dev" });
  const inspected = (name: string) =>
    JSON.stringify([
      {
        ...{ Name: `/${name}`, Image: "sha256:0", RestartCount: 0 },
        ...{ Config: { Image: "app:1" }, State: { Status: "running", StartedAt: "" } },
      },
    ]);

  it("are none only where the engine says so", async () => {
    await stack.program("docker", "true");
    assert.deepEqual(await containers(), []);
    await stack.program("docker", "echo 'no daemon' >&2; exit 1");
    await assert.rejects(containers(), /no daemon/);
  });

  it("are asked for once more where one went away in between, and not for ever", async () => {
    const docker = (until: number) => `
case $1 in
  ps) echo x >>"\${0%/*}/asked"; echo id ;;
  inspect)
    if [ "$(wc -l <"\${0%/*}/asked")" -lt ${until} ]; then echo '[]'; echo "No such container: id" >&2; exit 1; fi
    echo '${inspected("api")}' ;;
esac`;
    await stack.program("docker", docker(2));
    assert.deepEqual(
      (await containers()).map(({ name }) => name),
      ["api"],
    );
    await stack.program("docker", docker(9));
    await assert.rejects(containers(), /No such container/);
  });

  it("and their images are looked up by the names that a release gave them", async () => {
    await stack.program(
      "docker",
      'case $5 in app:1) echo sha256:1 ;; *) echo "No such image" >&2; exit 1 ;; esac',
    );
    assert.deepEqual([...(await taggedImages(hostOf(stack), ["app:1", "app:2"]))], [["app:1", "sha256:1"]]);
    const silent = { directory: "", ask: () => Promise.reject(new Error("asked")) };
    assert.deepEqual([...(await taggedImages(silent, ["app@sha256:0"]))], [], "its name says it all");
  });
});
