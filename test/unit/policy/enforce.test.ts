import assert from "node:assert/strict";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { setMockOptions } from "@pulumi/pulumi/runtime/settings.js";
import { setStackResource } from "@pulumi/pulumi/runtime/state.js";
import { type ContainerNeeds, hardened } from "../../../components/host/container.ts";
import { declaredBy, enforceRules } from "../../../policy/enforce.ts";
import { broken } from "../../../policy/rules.ts";

const NEEDS: ContainerNeeds = {
  name: "bluegreen-unit-api-blue",
  image: "app:1",
  user: "10001:10001",
  network: "bluegreen-unit",
  memoryMb: 64,
  graceSeconds: 10,
  stopSignal: "SIGTERM",
  init: true,
  environment: {},
  labels: {},
  tmpfs: {},
  volumes: [],
  health: ["CMD", "true"],
  startSeconds: 10,
  startInterval: false,
  startsWith: "release",
};

describe("the rules inside the program", () => {
  const declared: string[] = [];

  before(() => {
    const mocks: pulumi.runtime.Mocks = {
      newResource: ({ name, inputs }) => {
        declared.push(name);
        return { id: name, state: inputs as Readonly<Record<string, unknown>> };
      },
      call: () => ({}),
    };
    setMockOptions(new MockMonitor(mocks), "bluegreen", "unit", false, "organization");
    setStackResource(new pulumi.ComponentResource("pulumi:pulumi:Stack", "bluegreen-unit"));
    enforceRules({ isLocal: false });
  });
  after(() => pulumi.runtime.disconnect());

  const container = (name: string, change: Partial<docker.ContainerArgs>) =>
    new docker.Container(name, { ...hardened(NEEDS), ...change }, { deleteBeforeReplace: true });

  it("let through what keeps them", async () => {
    const made = container("good", {});
    assert.equal(await new Promise((resolve) => made.name.apply(resolve)), NEEDS.name);
  });

  it("stop a resource that breaks one, before the engine hears of it, and name the rule", async () => {
    for (const [name, change, said] of [
      [
        "privileged",
        { privileged: true },
        /privileged breaks a rule .*\n {2}not-privileged: is privileged\. No/,
      ],
      ["unbounded", { memorySwap: -1 }, /memory: memory 64, with swap -1\./],
      ["root", { user: pulumi.output("0:0") }, /not-root: runs as undefined\./],
    ] as const)
      assert.throws(
        () => container(name, change),
        (error: Error) => {
          assert.ok(pulumi.RunError.isInstance(error));
          assert.match(error.message, said);
          return true;
        },
      );
    await pulumi.runtime.disconnect();
    assert.deepEqual(
      declared.filter((name) => ["privileged", "unbounded", "root"].includes(name)),
      [],
    );
  });

  it("let through what they forbid where another resource decides it: that is the policy pack's to see", () => {
    const resource = new pulumi.ComponentResource("a:b:C", "decides");
    const props = { ...hardened(NEEDS), privileged: pulumi.output(true) };
    const opts: pulumi.CustomResourceOptions = { deleteBeforeReplace: true };
    const seen = declaredBy({ resource, type: "docker:index/container:Container", name: "x", props, opts });
    assert.deepEqual(broken(seen, { isLocal: false }), []);
    const known = { ...seen, inputs: { ...seen.inputs, privileged: true } };
    assert.deepEqual(
      broken(known, { isLocal: false }).map(({ rule }) => rule.name),
      ["not-privileged"],
    );
  });

  it("name everything that is wrong with a resource at once", () => {
    assert.throws(
      () => new docker.Volume("data", { name: "data" }, { protect: false }),
      /data-stays: is not protected/,
    );
    assert.throws(() => container("two", { readOnly: false, wait: false }), /read-only: .*\n {2}health: /);
  });

  it("see no secret that is marked, and every one that is not", () => {
    const resource = new pulumi.ComponentResource("a:b:C", "of-this-test");
    const seen = declaredBy({
      resource,
      type: "a:b:C",
      name: "x",
      props: { token: pulumi.secret("hunter2"), list: [{ password: "hunter2" }], parent: resource },
      opts: {},
    });
    assert.deepEqual(seen.inputs, { token: undefined, list: [{ password: "hunter2" }], parent: undefined });
  });
});
