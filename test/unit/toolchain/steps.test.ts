import assert from "node:assert/strict";
import { type Reporter, type Step, limiter, planSteps, runSteps } from "../../../toolchain/setup/steps.ts";

const step = (
  name: string,
  needs: string[] = [],
  run: Step["run"] = () => Promise.resolve({ how: "found" }),
): Step => ({
  name,
  needs,
  run,
});
const names = (steps: readonly Step[]) => steps.map(({ name }) => name);

function recorder(): Reporter & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    log: (name) => `/logs/${name}`,
    say: (name, text) => lines.push(`${name}: ${text}`),
    done: (name, { how }) => lines.push(`${name} ${how}`),
    failed: (name, error) => {
      lines.push(`${name} failed: ${String(error)}`);
      return Promise.resolve();
    },
  };
}

describe("planSteps", () => {
  const all = [
    step("sample", ["engine", "python"]),
    step("python", ["engine"]),
    step("engine"),
    step("redis", ["engine"]),
  ];

  it("takes what is wanted and what that needs, needs first and each once", () => {
    assert.deepEqual(names(planSteps(all, ["sample", "python"])), ["engine", "python", "sample"]);
  });
  it("takes nothing for nothing", () => {
    assert.deepEqual(planSteps(all, []), []);
  });
  it("names a need that does not exist, and who needs it", () => {
    assert.throws(() => planSteps([step("a", ["b"])], ["a"]), /a needs the step "b"/);
  });
  it("refuses steps that need each other", () => {
    assert.throws(() => planSteps([step("a", ["b"]), step("b", ["a"])], ["a"]), /a → b → a/);
  });
});

describe("runSteps", () => {
  it("begins a step when its needs are met, not before", async () => {
    const order: string[] = [];
    const slow = step("engine", [], async () => {
      await new Promise(setImmediate);
      order.push("engine");
      return { how: "started" };
    });
    const after = step("image", ["engine"], () => {
      order.push("image");
      return Promise.resolve({ how: "built" });
    });
    const reporter = recorder();
    assert.deepEqual(await runSteps([slow, after], reporter), []);
    assert.deepEqual(order, ["engine", "image"]);
    assert.deepEqual(reporter.lines, ["engine started", "image built"]);
  });
  it("runs what does not need the failed step, and nothing that does, however far", async () => {
    const broken = step("engine", [], () => Promise.reject(new Error("no engine")));
    const reporter = recorder();
    const plan = [broken, step("image", ["engine"]), step("sample", ["image"]), step("pulumi")];
    assert.deepEqual(await runSteps(plan, reporter), ["engine"]);
    assert.deepEqual(reporter.lines.toSorted(), ["engine failed: Error: no engine", "pulumi found"]);
  });
  it("says the same thing once", async () => {
    const reporter = recorder();
    const chatty = step("a", [], ({ say }) => {
      say("building");
      say("building");
      return Promise.resolve({ how: "built" });
    });
    await runSteps([chatty], reporter);
    assert.deepEqual(reporter.lines, ["a: building", "a built"]);
  });
});

describe("limiter", () => {
  it("never runs more at once than it has places, and runs them all", async () => {
    const limited = limiter(2);
    let running = 0;
    let most = 0;
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
    };
    await Promise.all(Array.from({ length: 7 }, () => limited(work)));
    assert.deepEqual({ most, running }, { most: 2, running: 0 });
  });
  it("gives its place back after a failure", async () => {
    const limited = limiter(1);
    await assert.rejects(limited(() => Promise.reject(new Error("broken"))));
    assert.equal(await limited(() => Promise.resolve(7)), 7);
  });
});
