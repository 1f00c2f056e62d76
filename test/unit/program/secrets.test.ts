import assert from "node:assert/strict";
import { beginSlot } from "../../../components/slot/spec.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import { DIRECTORY, MINIMAL, NAMES, recordOf, settingsOf } from "../../support/fixtures.ts";
import { type ProgramArgs, type ProgramRun, runProgram } from "../../support/program.ts";

const HOST = '{"kind":"local","engine":"SOCKET","directory":"/srv/bluegreen-dev","memoryMb":2048}';
const CONFIG = { ...MINIMAL, host: HOST };
const VALUE = "sk_live_hunter2";
const SECRETS = JSON.stringify({ STRIPE_KEY: VALUE });
const BASE64 = Buffer.from(VALUE).toString("base64");

const GREEN_3 = '{"release":"3","images":{"api":"app:3"},"migration":{"command":["migrate"]}}';

function run(config: Readonly<Record<string, string>>, more: Partial<ProgramArgs> = {}): Promise<ProgramRun> {
  const secrets = ["secrets", "registry"].filter((key) => key in config);
  return runProgram({ stack: "dev", config: { ...CONFIG, ...config }, secrets, ...more });
}

const byName = ({ registrations }: ProgramRun, name: string) =>
  registrations.filter((one) => one.name === name);

/** What a stack remembers whose green release 2 reads set 4 and the second database password. */
function recordWithSet(): StackRecord {
  const record = recordOf();
  const settings = settingsOf({ secrets: SECRETS, postgres: '{"passwordVersion":2}' }, ["secrets"]);
  assert.ok(settings.green);
  const around = { settings, names: NAMES, directory: DIRECTORY, startInterval: false, secretSet: 4 };
  return { ...record, slots: { ...record.slots, green: beginSlot("green", settings.green, around) } };
}

describe("the application's secrets", () => {
  it("reach the host as the marked input of a command, and are nowhere else", async () => {
    const { registrations } = await run({ secrets: SECRETS });
    const commands = registrations.filter(({ name }) => /^slot-(blue|green)-secrets$/.test(name));
    assert.equal(commands.length, 2);
    for (const { inputs, secretInputs } of commands) {
      const { stdin, ...rest } = inputs;
      assert.ok(JSON.stringify(stdin).includes(`stripe_key ${BASE64}\\nend\\n`));
      assert.deepEqual(secretInputs, ["stdin"]);
      assert.doesNotMatch(JSON.stringify(rest), new RegExp(`${VALUE}|${BASE64}`));
    }
    const others = registrations.filter((one) => !commands.includes(one));
    assert.doesNotMatch(JSON.stringify(others), new RegExp(`${VALUE}|${BASE64}`));
  });

  it("are there before anything of their release starts, in a folder of the set's own", async () => {
    const found = await run({ secrets: SECRETS });
    for (const name of ["slot-green-migration", "bluegreen-dev-api-green"])
      assert.ok(byName(found, name)[0]?.dependsOn.includes("slot-green-secrets"), name);
    // Sets that no slot reads go away with it: not before the host has said that this slot is not live.
    assert.ok(byName(found, "slot-green-secrets")[0]?.dependsOn.includes("slot-green-guard"));
    const [container] = byName(found, "bluegreen-dev-api-green");
    assert.match(
      JSON.stringify(container?.inputs["volumes"]),
      /"\/srv\/bluegreen-dev\/secrets\/api-10001-s1"/,
    );
  });

  it("make no resource where there are none", async () => {
    const { registrations } = await run({});
    assert.deepEqual(
      registrations.filter(({ name }) => name.endsWith("-secrets")).map(({ name }) => name),
      ["data-secrets"],
    );
  });

  it("that change reach a running slot not at all: it is declared from its record, its command is not compared", async () => {
    const record = recordWithSet();
    const postgres = '{"passwordVersion":2}';
    const found = await run({ secrets: '{"STRIPE_KEY":"another"}', postgres }, { record });
    const [command] = byName(found, "slot-green-secrets");
    assert.deepEqual(command?.ignoreChanges, ["*"]);
    assert.deepEqual(byName(found, "slot-blue-secrets"), []);
    assert.deepEqual(byName(found, "bluegreen-dev-api-green")[0]?.inputs, record.slots.green?.containers.api);
  });

  it("go with the next release, and the set of the one before it is kept for the way back", async () => {
    const postgres = '{"passwordVersion":2}';
    const found = await run({ secrets: SECRETS, postgres, green: GREEN_3 }, { record: recordWithSet() });
    const [command] = byName(found, "slot-green-secrets");
    assert.deepEqual(command?.ignoreChanges, []);
    assert.match(
      String(command.inputs["create"]),
      /secret-set.sh write \/srv\/bluegreen-dev api-10001-p2 1 10001 2 api-10001-p2-s1 api-10001-p2-s4$/,
    );
  });

  it("are refused as plain text, with the command that sets one and without the value", async () => {
    const refused = runProgram({ stack: "dev", config: { ...CONFIG, secrets: SECRETS } });
    await assert.rejects(refused, (error: Error) => {
      assert.match(error.message, /bluegreen:secrets.STRIPE_KEY: got a plain value; allowed: a secret/);
      assert.match(error.message, /pulumi config set --stack dev --secret --path 'secrets.STRIPE_KEY'/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  it("may not take the name of a file that is made here", async () => {
    const refused = run({ secrets: '{"DATABASE_PASSWORD":"x"}' });
    await assert.rejects(refused, /bluegreen:secrets.DATABASE_PASSWORD: .* other than DATABASE_PASSWORD/);
  });
});

describe("the registry's credentials", () => {
  it("go to the provider with the password marked, and nowhere else", async () => {
    const registry = JSON.stringify({ address: "ghcr.io", username: "deploy", password: VALUE });
    const { registrations } = await run({ registry });
    const provider = registrations.find(({ name }) => name === "host-docker");
    const others = registrations.filter((one) => one !== provider);
    assert.deepEqual(provider?.secretInputs, ["registryAuth"]);
    assert.match(JSON.stringify(provider.inputs["registryAuth"]), /ghcr\.io/);
    assert.doesNotMatch(JSON.stringify(others), /hunter2/);
  });

  it("are refused with a plain password", async () => {
    const registry = JSON.stringify({ address: "ghcr.io", username: "deploy", password: VALUE });
    await assert.rejects(
      runProgram({ stack: "dev", config: { ...CONFIG, registry } }),
      /config set --stack dev --secret --path 'registry.password'/,
    );
  });
});

describe("a rotation of the database's password", () => {
  const postgres = '{"passwordVersion":2}';

  it("changes nothing of a running slot by itself", async () => {
    const found = await run({ postgres }, { record: recordOf() });
    for (const verb of ["allow", "retire"]) {
      const [command] = byName(found, `data-logins-${verb}`);
      assert.match(
        String(command?.inputs["create"]),
        new RegExp(`logins.sh ${verb} bluegreen-dev-postgres 1$`),
      );
    }
    assert.match(JSON.stringify(byName(found, "bluegreen-dev-api-green")), /DATABASE_USER=app"/);
  });

  it("lets both versions in while one slot runs with each", async () => {
    const found = await run({ postgres, green: GREEN_3 }, { record: recordOf() });
    const [allow] = byName(found, "data-logins-allow");
    const [retire] = byName(found, "data-logins-retire");
    assert.match(String(allow?.inputs["create"]), /logins.sh allow bluegreen-dev-postgres 1 2$/);
    assert.match(String(retire?.inputs["create"]), /logins.sh retire bluegreen-dev-postgres 1 2$/);
    const [container] = byName(found, "bluegreen-dev-api-green");
    assert.match(JSON.stringify(container?.inputs), /DATABASE_USER=app_2"/);
    assert.match(JSON.stringify(container?.inputs["volumes"]), /secrets\/api-10001-p2"/);
    assert.match(
      String(byName(found, "data-secrets")[0]?.inputs["stdin"]),
      /^generate database_password_2$/m,
    );
    // In before the release starts, out after every slot is what it should be, both before the switch.
    assert.ok(
      retire?.dependsOn.includes("slot-green-guard") || retire?.dependsOn.includes("bluegreen-dev-api-green"),
    );
    assert.ok(byName(found, "switch-flip")[0]?.dependsOn.includes("data-logins-retire"));
    assert.ok(container?.dependsOn.includes("data-logins-allow"));
  });

  it("cannot go back below a version that a release runs with", async () => {
    await assert.rejects(
      run({}, { record: recordWithSet() }),
      /bluegreen:postgres.passwordVersion: got 1; allowed: 2 or more/,
    );
  });
});
