import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { sshOptions } from "../../../components/host/reach.ts";
import { HOST_KEYS, MINIMAL, SSH_HOST, recordOf, slotSpecOf } from "../../support/fixtures.ts";
import { type ProgramArgs, type ProgramRun, type Registration, runProgram } from "../../support/program.ts";

const STACK = `unit-${process.pid}`;
const DIRECTORY = `/var/lib/bluegreen/bluegreen-${STACK}`;
const DIGEST = `@sha256:${"0".repeat(64)}`;
const LOOK = "clock NOW\nengine 1.45\nmemoryMb 2048\ndiskFreeMb 20480\nscripts missing\nroot yes\nend\n";
const FILES = join(userInfo().homedir, ".ssh", "bluegreen");

/** The deployer's key is a file: a test machine may have no SSH agent. */
const folder = mkdtempSync(join(tmpdir(), "ssh-program-"));
const keyFile = join(folder, "key");
writeFileSync(keyFile, "", { mode: 0o600 });
const KEY = { kind: "file", path: keyFile };

const release = (id: string) => ({ release: id, images: { api: `app${DIGEST}` } });
/** What the last `up` left, in `directory`. */
const recordIn = (directory: string) =>
  recordOf({
    directory,
    slots: { blue: slotSpecOf("blue", release("1")), green: slotSpecOf("green", release("2")) },
  });
const CONFIG = {
  ...MINIMAL,
  blue: JSON.stringify(release("1")),
  green: JSON.stringify(release("2")),
  host: JSON.stringify({ ...SSH_HOST, key: KEY }),
};

const ran = async (change: Omit<Partial<ProgramArgs>, "stack"> = {}): Promise<ProgramRun> => {
  const { look = LOOK, ...rest } = change;
  const now = String(Math.floor(Date.now() / 1000));
  const config = { ...CONFIG, ...change.config };
  return await runProgram({ stack: STACK, ...rest, look: look.replace("NOW", now), config });
};

const named = (run: ProgramRun, name: string, type = ""): Registration => {
  const found = run.registrations.find((one) => one.name === name && one.type.includes(type));
  assert.ok(found, `${name} is not among ${run.registrations.map((one) => one.name).join(", ")}`);
  return found;
};

const commands = (run: ProgramRun) =>
  run.registrations.filter(({ type }) => type === "command:local:Command");

describe("the whole program, on a server over SSH", () => {
  after(() => {
    rmSync(folder, { recursive: true });
    for (const file of readdirSync(FILES).filter((name) => name.startsWith(`bluegreen-${STACK}.`)))
      rmSync(join(FILES, file));
  });

  it("runs every command over SSH with the same checked options, and none on the deployer's engine", async () => {
    const found = commands(await ran());
    assert.equal(found.length, 7);
    const access = {
      id: { project: "bluegreen", stack: STACK },
      user: "deploy",
      port: 22,
      key: { kind: "file", path: keyFile },
    } as const;
    const options = sshOptions(access).map((word) =>
      word.includes("~") || word.includes("%C") ? `'${word}'` : word,
    );
    for (const { inputs, name } of found) {
      const text = String(inputs["create"]);
      const start = `ssh ${options.join(" ")} -p 22 deploy@203.0.113.10 -- `;
      assert.ok(text.replace(/^exec /, "").startsWith(start), `${name}: ${text}\nshould begin with ${start}`);
      assert.ok(String(inputs["stdin"]).endsWith("\n#end"), name);
      assert.equal(inputs["environment"], undefined, name);
      assert.equal(inputs["addPreviousOutputInEnv"], false, name);
    }
  });

  it("gives the Docker provider the same way and the same options", async () => {
    const run = await ran();
    const { inputs } = named(run, "host-docker");
    assert.equal(inputs["host"], "ssh://deploy@203.0.113.10:22");
    assert.match(String(inputs["sshOpts"]), /StrictHostKeyChecking=yes.*HostKeyAlias=bluegreen-unit/);
  });

  it("prepares the server before anything connects to its engine", async () => {
    const run = await ran();
    assert.ok(named(run, "host-docker").dependsOn.includes("host-prepare"));
    assert.ok(named(run, "host-scripts").dependsOn.includes("host-prepare"));
    const { inputs } = named(run, "host-prepare");
    assert.match(
      String(inputs["create"]),
      new RegExp(`sudo -n sh -s -- --user deploy --directory ${DIRECTORY} repair=0`),
    );
    assert.equal(inputs["stdin"], `${readFileSync("components/host/prepare.sh", "utf8")}\n#end`);
  });

  it("keeps the stack's files in a folder of the server", async () => {
    const run = await ran();
    assert.match(String(named(run, "host-scripts").inputs["create"]), new RegExp(`${DIRECTORY} repair=0`));
    const { volumes } = named(run, `bluegreen-${STACK}-api-blue`).inputs;
    assert.match(JSON.stringify(volumes), new RegExp(`"hostPath":"${DIRECTORY}/secrets`));
    // Each container's user gets its own file, which only root can give.
    assert.match(String(named(run, "data-secrets").inputs["create"]), /receive sudo -n \S+\/secrets.sh/);
  });

  it("declares the same resources in a preview, whether or not the server has an engine yet", async () => {
    const key = ({ type, name }: Registration) => `${type} ${name}`;
    const bare = LOOK.replace("engine 1.45", "engine missing");
    const [update, preview, empty] = [
      await ran(),
      await ran({ preview: true }),
      await ran({ preview: true, look: bare }),
    ];
    const expected = update.registrations.map(key).sort();
    assert.deepEqual(preview.registrations.map(key).sort(), expected);
    assert.deepEqual(empty.registrations.map(key).sort(), expected);
  });

  it("runs the preparation again where the engine was lost, and nothing else for it", async () => {
    const record = recordIn(DIRECTORY);
    const [before, lost] = [
      await ran({ record, look: LOOK.replace("scripts missing\n", "") }),
      await ran({
        record,
        look: LOOK.replace("scripts missing\n", "").replace("engine 1.45", "engine stopped"),
      }),
    ];
    const changed = before.registrations.filter(
      ({ name, type, inputs }) => JSON.stringify(inputs) !== JSON.stringify(named(lost, name, type).inputs),
    );
    assert.deepEqual(
      changed.map(({ name }) => name),
      ["host-prepare"],
    );
  });

  it("protects the volumes", async () => {
    const volumes = (await ran()).registrations.filter(({ type }) => type === "docker:index/volume:Volume");
    assert.deepEqual(
      volumes.map(({ protect }) => protect),
      [true, true],
    );
  });

  it("writes the host key before it connects, for nobody else to change", async () => {
    const { knownHosts } = await ran();
    assert.deepEqual(knownHosts, { text: `bluegreen-${STACK} ${HOST_KEYS.ed25519}\n`, mode: 0o600 });
    assert.equal(statSync(FILES).mode & 0o777, 0o700);
  });

  it("writes a key from the config into a file for this user alone, and names only that in what it declares", async () => {
    const value = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----";
    const host = JSON.stringify({ ...SSH_HOST, key: { kind: "secret", value } });
    const run = await ran({ config: { host }, secrets: ["host"] });
    const file = join(FILES, `bluegreen-${STACK}.key`);
    assert.equal(readFileSync(file, "utf8"), `${value}\n`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.doesNotMatch(JSON.stringify(run.registrations), /hunter2/);
    assert.match(
      String(named(run, "switch-flip").inputs["create"]),
      new RegExp(`IdentityFile=~/.ssh/bluegreen/bluegreen-${STACK}.key`),
    );
  });

  it("holds the memory plan against what the server has, unless config says otherwise", async () => {
    const look = LOOK.replace("memoryMb 2048", "memoryMb 400");
    await assert.rejects(ran({ look }), /bluegreen:memoryMb: got 576 MB .* of the host's 400 MB/);
    await ran({ look, config: { host: JSON.stringify({ ...SSH_HOST, key: KEY, memoryMb: 2048 }) } });
  });

  it("refuses a deployer's machine without ssh, and declares nothing", async () => {
    await assert.rejects(runProgram({ stack: STACK, config: CONFIG }), /this machine has no `ssh`/);
  });

  const REFUSED: readonly [string, Parameters<typeof ran>[0], RegExp][] = [
    [
      "a user who cannot prepare the server",
      { look: LOOK.replace("engine 1.45", "engine missing").replace("root yes", "root no") },
      /has no Docker engine yet, and deploy cannot become root there without a password.*\/etc\/sudoers\.d\/bluegreen/,
    ],
    [
      "a key file that is not here",
      { config: { host: JSON.stringify({ ...SSH_HOST, key: { ...KEY, path: "/nowhere/key" } }) } },
      /the key \/nowhere\/key, and this machine has no such file/,
    ],
    ["a server that says something else", { look: "Welcome!\n" }, /did not say what it is.*Welcome!/],
    [
      "another folder than the stack's own",
      { record: recordIn("/srv/bluegreen-dev") },
      /keeps its files in \/srv\/bluegreen-dev/,
    ],
    [
      "a server without a host key",
      { config: { host: JSON.stringify({ ...SSH_HOST, key: KEY, hostKey: undefined }) } },
      /bluegreen:host.hostKey: got nothing; allowed: a public host key/,
    ],
  ];
  for (const [what, change, expected] of REFUSED) {
    it(`refuses ${what}, and declares nothing`, async () => {
      await assert.rejects(ran(change), expected);
    });
  }
});
