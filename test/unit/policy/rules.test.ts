import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type Declared, RULES, violations } from "../../../policy/rules.ts";
import { MINIMAL, SSH_HOST } from "../../support/fixtures.ts";
import { GOLDEN_STACKS, declaredBy } from "../../support/golden.ts";
import { runProgram } from "../../support/program.ts";

const HOST = '{"kind":"local","engine":"SOCKET","directory":"/srv/bluegreen-dev","memoryMb":2048}';

/** One way to break each rule: what to change of which resource, and what is said of it. */
const BREAKS: Readonly<
  Record<string, { readonly on: RegExp; readonly change: Partial<Declared>; readonly inputs?: object }>
> = {
  "not-privileged": { on: /api-blue/, change: {}, inputs: { privileged: true } },
  "no-new-privileges": { on: /gateway$/, change: {}, inputs: { securityOpts: [] } },
  "not-root": { on: /postgres$/, change: {}, inputs: { user: "0:0" } },
  "read-only": { on: /redis$/, change: {}, inputs: { readOnly: false } },
  "own-namespaces": { on: /api-green/, change: {}, inputs: { networkMode: "host" } },
  memory: { on: /api-green/, change: {}, inputs: { memorySwap: -1 } },
  "bounded-logs": { on: /api-green/, change: {}, inputs: { logOpts: {} } },
  health: { on: /api-green/, change: {}, inputs: { wait: false } },
  grace: { on: /api-green/, change: {}, inputs: { destroyGraceSeconds: undefined } },
  "no-engine-inside": {
    on: /gateway$/,
    change: {},
    inputs: { volumes: [{ hostPath: "/var/run/docker.sock", containerPath: "/s" }] },
  },
  "one-door": { on: /postgres$/, change: {}, inputs: { ports: [{ internal: 5432 }] } },
  "old-before-new": { on: /api-blue/, change: { deleteBeforeReplace: false } },
  "data-stays": { on: /postgres$/, change: { protect: false } },
  "quiet-commands": { on: /switch-flip/, change: {}, inputs: { addPreviousOutputInEnv: true } },
  "secrets-marked": {
    on: /host-docker/,
    change: { secretInputs: [] },
    inputs: { registryAuth: '[{"password":"hunter2"}]' },
  },
  "no-secret-variables": { on: /api-blue/, change: {}, inputs: { envs: ["DB_PASSWORD=x"] } },
};

describe("the project's rules", () => {
  let dev: readonly Declared[];

  before(async () => {
    const registry = '{"address":"ghcr.io","username":"deploy","password":"hunter2"}';
    const config = { ...MINIMAL, host: HOST, registry, secrets: '{"STRIPE_KEY":"hunter2"}' };
    dev = (await runProgram({ stack: "dev", config, secrets: ["registry", "secrets"] })).registrations;
  });

  for (const stack of GOLDEN_STACKS) {
    it(`hold for every resource of ${stack} as its file stands`, async () => {
      const declared = await declaredBy(stack);
      assert.ok(declared.length > 20);
      assert.deepEqual(violations(declared, { isLocal: stack === "dev" }), []);
    });
  }

  it("hold with secrets and a registry too", () => {
    assert.deepEqual(violations(dev, { isLocal: true }), []);
  });

  it("hold on a server over SSH, where volumes have to be protected", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    const stack = `rules-${process.pid}`;
    try {
      writeFileSync(join(folder, "key"), "", { mode: 0o600 });
      const image = `app@sha256:${"0".repeat(64)}`;
      const blue = JSON.stringify({ release: "1", images: { api: image } });
      const host = JSON.stringify({ ...SSH_HOST, key: { kind: "file", path: join(folder, "key") } });
      const look = `clock ${Math.floor(Date.now() / 1000)}\nengine 1.45\nmemoryMb 2048\ndiskFreeMb 20480\nscripts missing\nroot yes\nend\n`;
      const { registrations } = await runProgram({ stack, config: { active: "blue", blue, host }, look });
      assert.deepEqual(violations(registrations, { isLocal: false }), []);
    } finally {
      rmSync(folder, { recursive: true });
      const files = join(userInfo().homedir, ".ssh", "bluegreen");
      for (const file of readdirSync(files).filter((name) => name.startsWith(`bluegreen-${stack}.`)))
        rmSync(join(files, file));
    }
  });

  for (const { name, says } of RULES) {
    it(`say no where it does not hold: ${says}`, () => {
      const broken = BREAKS[name];
      assert.ok(broken, `no way to break ${name} is known to this test`);
      const changed = dev.map((one) =>
        broken.on.test(one.name)
          ? { ...one, protect: true, ...broken.change, inputs: { ...one.inputs, ...broken.inputs } }
          : { ...one, protect: true },
      );
      const found = violations(changed, { isLocal: false }).map(({ rule }) => rule);
      assert.ok(found.includes(name), found.join());
      assert.deepEqual([...new Set(found)], [name]);
    });
  }

  const MOUNTS: readonly (readonly [string, boolean])[] = [
    ["/var/run/docker.sock", false],
    ["/", false],
    ["/etc", false],
    ["/usr/lib/x", false],
    ["/root", false],
    ["/root/.ssh", false],
    ["/home/deploy/.aws/credentials", false],
    ["/var/lib/bluegreen/bluegreen-prod/secrets/api-10001", true],
    // Where `make dev` keeps a stack's files for root and for anybody else.
    ["/root/.local/state/bluegreen/bluegreen-dev/secrets/postgres", true],
    ["/home/someone/.local/state/bluegreen/bluegreen-dev/gateway/conf", true],
  ];
  for (const [hostPath, allowed] of MOUNTS)
    it(`${allowed ? "let" : "do not let"} a container have ${hostPath}`, () => {
      const rule = RULES.find(({ name }) => name === "no-engine-inside");
      const container = dev.find(({ name }) => name.endsWith("-gateway"));
      assert.ok(rule && container);
      const inputs = { ...container.inputs, volumes: [{ hostPath, containerPath: "/x" }] };
      const problem = rule.check({ ...container, inputs }, { isLocal: false });
      assert.equal(problem, allowed ? undefined : `mounts ${hostPath}`);
    });
});
