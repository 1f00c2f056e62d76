import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Settings } from "../../../components/config/schema.ts";
import { readStackFile } from "../../support/stack-file.ts";
import { JOBS, MINIMAL, recordOf, settingsOf, slotSpecOf } from "../../support/fixtures.ts";
import { type ProgramRun, type Registration, runProgram } from "../../support/program.ts";

const HOST = '{"kind":"local","engine":"SOCKET","directory":"/srv/bluegreen-dev","memoryMb":2048}';
const CONFIG = { ...MINIMAL, host: HOST };

const containers = ({ registrations }: ProgramRun) =>
  registrations.filter(({ type }) => type === "docker:index/container:Container");

function named(run: ProgramRun, name: string, type = ""): Registration {
  const found = run.registrations.find((one) => one.name === name && one.type.includes(type));
  assert.ok(found, `${name} is not among ${run.registrations.map((one) => one.name).join(", ")}`);
  return found;
}

/** Everything that `name` waits for, however far away. */
function ancestors(run: ProgramRun, name: string): Set<string> {
  const all = new Set<string>();
  const visit = (one: string) => {
    for (const { dependsOn } of run.registrations.filter((registration) => registration.name === one)) {
      for (const before of dependsOn) {
        if (!all.has(before)) {
          all.add(before);
          visit(before);
        }
      }
    }
  };
  visit(name);
  return all;
}

describe("the whole program", () => {
  it("declares the dev stack as its file stands", async () => {
    const run = await runProgram({ stack: "dev", config: { ...readStackFile("dev").config, host: HOST } });
    assert.deepEqual(
      containers(run)
        .map(({ name }) => name)
        .sort(),
      [
        ...["api-blue", "api-green", "beat-blue", "beat-green", "gateway", "postgres", "redis"],
        ...["web-blue", "web-green", "worker-blue", "worker-green"],
      ].map((what) => `bluegreen-dev-${what}`),
    );
  });

  it("has the gateway's image on the host before a script there needs it, which has no credentials", async () => {
    const edge = '{"kind":"self-signed","hostname":"localhost"}';
    const run = await runProgram({ stack: "dev", config: { ...CONFIG, edge } });
    for (const name of ["gateway-configuration", "edge-certificate"])
      assert.ok(named(run, name).dependsOn.includes("gateway-image"), name);
  });

  it("refuses a release where this machine's disk is full, before anything is declared", async () => {
    // A file system without a free block.
    const host = HOST.replace("/srv/bluegreen-dev", "/proc/bluegreen");
    const full = { ...CONFIG, host };
    await assert.rejects(
      runProgram({ stack: "dev", config: full }),
      /has 0 MB of disk left.*nothing was changed/,
    );
  });

  it("leaves no map between an error and its stack, which the SDK asks for at each promise", async () => {
    Error.prepareStackTrace = () => "mapped";
    try {
      await runProgram({ stack: "dev", config: CONFIG });
      assert.ok(!("prepareStackTrace" in Error));
    } finally {
      Reflect.deleteProperty(Error, "prepareStackTrace");
    }
  });

  it("makes the same resources in a preview as in an update (invariant 8)", async () => {
    const key = ({ type, name }: Registration) => `${type} ${name}`;
    const [update, preview] = [
      await runProgram({ stack: "dev", config: CONFIG }),
      await runProgram({ stack: "dev", config: CONFIG, preview: true }),
    ];
    assert.deepEqual(preview.registrations.map(key).sort(), update.registrations.map(key).sort());
    assert.ok(update.registrations.length > 20);
  });

  it("puts the switch last: it waits for everything, nothing waits for it (invariant 3)", async () => {
    const run = await runProgram({ stack: "dev", config: CONFIG });
    const before = ancestors(run, "switch-flip");
    for (const { name, type } of run.registrations) {
      const isComponent = type.startsWith("bluegreen:");
      const isSwitch = name === "switch-flip";
      if (!isComponent && !isSwitch && !type.startsWith("pulumi:"))
        assert.ok(before.has(name), `the switch does not wait for ${name}`);
    }
    for (const { name, dependsOn } of run.registrations) {
      assert.ok(!dependsOn.includes("switch-flip"), `${name} waits for the switch`);
    }
  });

  it("changes one resource for a flip, the switch (invariant 6)", async () => {
    const record = recordOf();
    const [before, after] = [
      await runProgram({ stack: "dev", config: CONFIG, record }),
      await runProgram({ stack: "dev", config: { ...CONFIG, active: "green" }, record }),
    ];
    const changed = before.registrations.filter(
      (one, index) => JSON.stringify(one.inputs) !== JSON.stringify(after.registrations[index]?.inputs),
    );
    assert.deepEqual(
      changed.map(({ name }) => name),
      ["switch-flip"],
    );
  });

  it("leaves both slots as they are when everything that is shared changes (invariant 1)", async () => {
    const record = recordOf();
    const shared = {
      ...CONFIG,
      environment: '{"LOG_LEVEL":"debug"}',
      memoryMb: '{"api":200}',
      api: '{"graceSeconds":33,"startSeconds":44}',
      switch: '{"drainSeconds":77}',
    };
    const run = await runProgram({ stack: "dev", config: shared, record });
    for (const color of ["blue", "green"] as const) {
      const spec = record.slots[color];
      assert.deepEqual(named(run, `bluegreen-dev-api-${color}`).inputs, spec?.containers.api);
      assert.match(
        String(named(run, `slot-${color}-guard`).inputs["create"]),
        new RegExp(`${color} ${spec?.drainSeconds} bluegreen-dev-api-${color}$`),
      );
      assert.equal(named(run, `slot-${color}-migration`).inputs["stdin"], spec?.migration);
    }
  });

  it("declares a slot as it began, whatever its migration's settings and its origin are now (invariant 1)", async () => {
    const record = recordOf();
    const release = (slot: Settings["blue"], more: object) => JSON.stringify({ ...slot, ...more });
    const { blue, green } = settingsOf();
    const contract = { kind: "contract", worksWith: ["1"], command: ["other"], timeoutSeconds: 9 };
    const [before, after] = [
      await runProgram({ stack: "dev", config: CONFIG, record }),
      await runProgram({
        stack: "dev",
        config: {
          ...CONFIG,
          blue: release(blue, { migration: { command: ["new"], lockTimeoutSeconds: 9 } }),
          green: release(green, { migration: contract, commit: "1a2b3c4", by: "Ann" }),
        },
        record,
      }),
    ];
    assert.deepEqual(after.registrations, before.registrations);
  });

  it("lets no new provider or program touch the live slot, and keeps the idle one comparable", async () => {
    const run = await runProgram({ stack: "dev", config: CONFIG, record: recordOf() });
    const frozen = run.registrations.filter(({ ignoreChanges }) => ignoreChanges.includes("*"));
    assert.deepEqual(frozen.map(({ name }) => name).sort(), [
      "bluegreen-dev-api-blue",
      "slot-blue-guard",
      "slot-blue-image",
      "slot-blue-migration",
      "slot-green-migration",
    ]);
  });

  it("runs no migration again for a slot that keeps its release, whatever the way to the host is now", async () => {
    const run = await runProgram({ stack: "dev", config: CONFIG, record: recordOf() });
    assert.deepEqual(named(run, "slot-green-migration").ignoreChanges, ["*"]);
    const fresh = await runProgram({ stack: "dev", config: CONFIG });
    assert.deepEqual(named(fresh, "slot-green-migration").ignoreChanges, []);
  });

  it("refuses another directory than the stack's own: passwords and the live colour are in it", async () => {
    await assert.rejects(
      runProgram({ stack: "dev", config: CONFIG, record: recordOf({ directory: "/elsewhere" }) }),
      /keeps its files in \/elsewhere, and this run would use \/srv\/bluegreen-dev/,
    );
  });

  it("asks the host before a slot is touched, with its image there already (invariant 5)", async () => {
    const run = await runProgram({ stack: "dev", config: CONFIG });
    const before = ancestors(run, "bluegreen-dev-api-green");
    for (const name of [
      "slot-green-guard",
      "slot-green-image",
      "slot-green-migration",
      "bluegreen-dev-postgres",
      "bluegreen-dev-redis",
    ]) {
      assert.ok(before.has(name), name);
    }
    assert.ok(ancestors(run, "slot-green-migration").has("slot-green-guard"));
    const green = '{"release":"2","images":{"api":"app:2"}}';
    const bare = await runProgram({ stack: "dev", config: { ...CONFIG, green } });
    assert.ok(ancestors(bare, "bluegreen-dev-api-green").has("slot-green-guard"), "without a migration");
    assert.ok(!before.has("bluegreen-dev-api-blue"));
    // The guard runs again for every new release: its input names the release and its settings.
    assert.match(
      String(named(run, "slot-green-guard").inputs["stdin"]),
      /^release 2\nimage app:2\ncontainer [0-9a-f]{12}\n$/,
    );
  });

  it("asks the host before any container of a slot with jobs is touched, each image there already", async () => {
    const green =
      '{"release":"2","images":{"api":"app:2","worker":"jobs:2"},"migration":{"command":["migrate"]}}';
    const run = await runProgram({ stack: "dev", config: { ...CONFIG, ...JOBS, green } });
    for (const part of ["api", "worker", "beat"]) {
      const before = ancestors(run, `bluegreen-dev-${part}-green`);
      for (const name of ["guard", "image", "worker-image", "migration", "folders"])
        assert.ok(before.has(`slot-green-${name}`), `${part} does not wait for ${name}`);
      assert.deepEqual(named(run, `bluegreen-dev-${part}-green`).replaceOnChanges, ["*"]);
    }
    const guard = named(run, "slot-green-guard").inputs;
    assert.match(
      String(guard["create"]),
      / green 30 bluegreen-dev-api-green bluegreen-dev-worker-green bluegreen-dev-beat-green$/,
    );
    assert.match(
      String(guard["stdin"]),
      /^release 2\nimage app:2\ncontainer \w{12}\nimage jobs:2\ncontainer \w{12}\nimage jobs:2\ncontainer \w{12}\n$/,
    );
    // One image for all parts is one resource.
    assert.ok(!run.registrations.some(({ name }) => name === "slot-blue-worker-image"));
    assert.ok(ancestors(run, "switch-flip").has("bluegreen-dev-worker-blue"));
  });

  it("lets a slot that began before there were jobs go on without, and one with them keep them", async () => {
    const before = await runProgram({ stack: "dev", config: { ...CONFIG, ...JOBS }, record: recordOf() });
    assert.ok(!before.registrations.some(({ name }) => /worker|beat|folders/.test(name)));
    const slots = {
      blue: slotSpecOf("blue", { release: "1", images: { api: "app:1" } }, settingsOf(JOBS)),
      green: recordOf().slots.green,
    };
    const after = await runProgram({ stack: "dev", config: CONFIG, record: recordOf({ slots }) });
    assert.deepEqual(named(after, "bluegreen-dev-worker-blue").inputs, slots.blue.containers.worker);
    assert.deepEqual(named(after, "bluegreen-dev-beat-blue").ignoreChanges, ["*"]);
  });

  it("refuses a release onto the live slot before anything is declared (invariant 2)", async () => {
    const blue = '{"release":"9","images":{"api":"app:9"}}';
    await assert.rejects(
      runProgram({ stack: "dev", config: { ...CONFIG, blue }, record: recordOf() }),
      /bluegreen:blue.release: got "9"; allowed: "1", because blue is live; release onto green/,
    );
  });

  it("removes a container before it makes its successor, everywhere", async () => {
    for (const { name, deleteBeforeReplace } of containers(
      await runProgram({ stack: "dev", config: CONFIG }),
    )) {
      assert.equal(deleteBeforeReplace, true, name);
    }
  });

  it("runs the host's commands on the provider's engine, without large outputs in their environment", async () => {
    const run = await runProgram({ stack: "dev", config: CONFIG });
    const commands = run.registrations.filter(({ type }) => type === "command:local:Command");
    assert.equal(commands.length, 8);
    for (const { inputs, name } of commands) {
      assert.equal(inputs["addPreviousOutputInEnv"], false, name);
      assert.deepEqual(inputs["environment"], { DOCKER_HOST: "unix:///docker.sock" }, name);
    }
  });

  it("declares nothing for a slot without a release", async () => {
    const { active, blue } = CONFIG;
    const run = await runProgram({ stack: "dev", config: { active, blue, host: HOST } });
    assert.deepEqual(
      run.registrations.filter(({ name }) => name.includes("-green")),
      [],
    );
  });
});

describe("the installed providers", () => {
  it("are the ones that were measured: command 1.2.1 has hostKey, logging and addPreviousOutputInEnv", () => {
    const versionOf = (name: string): unknown => {
      const manifest: unknown = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
      return manifest !== null && typeof manifest === "object" && "version" in manifest
        ? manifest.version
        : undefined;
    };
    assert.equal(versionOf("@pulumi/command"), "1.2.1");
    assert.equal(versionOf("@pulumi/docker"), "5.2.0");
  });
});
