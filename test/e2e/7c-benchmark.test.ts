import assert from "node:assert/strict";
import { z } from "zod";

import { CIS } from "../../policy/cis.ts";
import { type Inspected, inspected } from "../../policy/inspected.ts";
import type { Stack } from "../support/stack.ts";
import { sharedStack } from "./shared.ts";

const CONTAINERS = ["api-blue", "api-green", "gateway", "postgres", "redis"];

describe("the CIS Docker Benchmark, asked of the engine", function () {
  this.timeout(900_000);
  let stack: Stack;
  let containers: readonly Inspected[];

  before(async () => {
    stack = await sharedStack();
    const json: unknown = JSON.parse(
      await stack.docker("inspect", ...CONTAINERS.map((what) => stack.container(what))),
    );
    containers = z.array(inspected).parse(json);
    assert.equal(containers.length, CONTAINERS.length);
  });

  for (const item of CIS) {
    if (item.kind === "elsewhere" || item.check === undefined) continue;
    const { check } = item;
    it(`${item.id} ${item.title}${item.kind === "otherwise" ? ": not followed, but as its reason says" : ""}`, () => {
      const problems = containers.flatMap((one) => {
        const problem = check(one);
        return problem === undefined ? [] : [`${one.Name}: ${problem}`];
      });
      assert.deepEqual(problems, []);
    });
  }

  it("5.1 no swarm mode", async () => {
    assert.equal(await stack.docker("info", "--format", "{{.Swarm.LocalNodeState}}"), "inactive");
  });

  it("5.7 no sshd inside", async () => {
    for (const what of CONTAINERS)
      assert.doesNotMatch(await stack.docker("top", stack.container(what), "-eo", "pid,args"), /sshd/, what);
  });

  it("would find a container that is none of this", async () => {
    const name = stack.container("bad");
    const image = await stack.docker("inspect", "--format", "{{.Config.Image}}", stack.container("api-blue"));
    const bad = [
      "--privileged",
      "--pid=host",
      "--network=host",
      "--volume=/etc:/host",
      "--user=0:0",
      "--no-healthcheck",
    ];
    await stack.docker("create", "--name", name, ...bad, image, "true");
    try {
      const [one] = z.array(inspected).parse(JSON.parse(await stack.docker("inspect", name)));
      assert.ok(one);
      const failed = CIS.filter((item) => item.kind === "pass" && item.check(one) !== undefined);
      const ids = failed.map(({ id }) => id);
      for (const id of ["4.1", "5.4", "5.5", "5.6", "5.10", "5.11", "5.13", "5.16", "5.26", "5.27"])
        assert.ok(ids.includes(id), `${id} is not among ${ids.join()}`);
    } finally {
      await stack.docker("rm", "--force", name);
    }
  });
});
