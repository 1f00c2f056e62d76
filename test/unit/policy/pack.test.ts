import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { PACKED, checkOf } from "../../../policy/pack.ts";
import { type Declared, RULES } from "../../../policy/rules.ts";
import { GOLDEN_STACKS, declaredBy } from "../../support/golden.ts";

/** A resource as the engine hands it to a policy. */
const analyzed = ({ type, name, inputs, protect, deleteBeforeReplace }: Declared, host: string) => ({
  type,
  name,
  props: inputs,
  opts: { protect, deleteBeforeReplace },
  provider: { props: { host } },
});

const problems = (resources: readonly Declared[], host: string) =>
  resources.flatMap((resource) =>
    PACKED.flatMap((rule) => {
      const problem = checkOf(rule)(analyzed(resource, host));
      return problem === undefined ? [] : [`${rule.name}: ${resource.name}: ${problem}`];
    }),
  );

describe("the policy pack", () => {
  it("is every rule but the one that the engine lets nobody ask", () => {
    const left = RULES.filter((rule) => !PACKED.includes(rule)).map(({ name }) => name);
    assert.deepEqual(left, ["secrets-marked"]);
  });

  for (const stack of GOLDEN_STACKS)
    it(`has nothing against ${stack} as its file stands`, async () => {
      const host = stack === "dev" ? "unix:///var/run/docker.sock" : "ssh://deploy@127.0.0.1:2222";
      assert.deepEqual(problems(await declaredBy(stack), host), []);
    });

  it("knows a developer's own machine by its engine: elsewhere volumes have to be protected", async () => {
    const found = problems(await declaredBy("dev"), "ssh://deploy@203.0.113.10:22");
    assert.deepEqual(found, [
      "data-stays: bluegreen-dev-postgres: is not protected",
      "data-stays: bluegreen-dev-redis: is not protected",
    ]);
  });

  describe("when it is started", () => {
    let child: ChildProcess | undefined;
    afterEach(async () => {
      if (child === undefined) return;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    });

    const STARTS = [
      ["by its program, from anywhere", "/", [`${process.cwd()}/policy/serve.sh`, "127.0.0.1:1"]],
      [
        "by its folder, as the engine's host for Node does",
        `${process.cwd()}/policy`,
        [process.execPath, "../node_modules/@pulumi/pulumi/cmd/run-policy-pack", "127.0.0.1:1", "."],
      ],
    ] as const;
    for (const [how, cwd, [program, ...args]] of STARTS)
      it(`says the port that the engine asks it on: ${how}`, async () => {
        child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
        assert.ok(child.stdout);
        const [said] = (await once(child.stdout, "data")) as [Buffer];
        assert.match(said.toString(), /^\d+\n$/);
      });
  });
});
