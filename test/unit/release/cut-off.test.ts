import assert from "node:assert/strict";
import { run } from "../../support/process.ts";
import { StandInStack } from "../../support/stand-in-stack.ts";

/** What a command does that was cut off by Ctrl-C before it came to this; in a process of its own, because nothing takes that back. */
async function afterCtrlC(work: string): Promise<string> {
  const source = `
    import { cutOff, engineStop, listenForSignals } from "./release/cut-off.ts";
    import { stepUp } from "./release/deploy/canary.ts";
    import { carriedOut } from "./release/engine-run.ts";
    import { openStack } from "./release/stack.ts";
    import { plainProgress } from "./release/terminal.ts";
    listenForSignals(() => undefined, () => process.exit(9));
    process.kill(process.pid, "SIGINT");
    while (!cutOff.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    const progress = plainProgress(process.stderr);
    const stack = { name: "dev", engine: { up: () => { console.log("begun"); return Promise.resolve(); } } };
    const edit = { stillOurs: () => Promise.resolve() };
    ${work}`;
  const { code, stdout, output } = await run(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: new URL("../../..", import.meta.url).pathname,
  });
  assert.equal(code, 0, output);
  return stdout.trim();
}

describe("a command that was cut off", () => {
  it("begins no first step of a canary", async () => {
    const steps = `{ color: "green", release: "2", back: "blue", steps: [10, 50], holdSeconds: 1, by: "Anna" }`;
    const reached = await afterCtrlC(
      `console.log(JSON.stringify(await stepUp("dev", ${steps}, { folder: "/", progress })));`,
    );
    assert.deepEqual(JSON.parse(reached), { percent: 0, milliseconds: 0 });
  });

  it("says that nothing was changed where it came to no answer of the engine's, and nothing of mending it", async () => {
    const told = await afterCtrlC(`
      process.env.PATH = "/nowhere";
      await openStack("dev", process.cwd()).catch((error) => console.log(error.message, "-", error.fix));`);
    assert.equal(told, "cut off before anything was changed - the same command again");
  });

  it("begins no update, but carries out what it puts back", async () => {
    const told = await afterCtrlC(`
      await carriedOut(stack, "forward", progress, { edit, stop: engineStop }).catch((error) => console.log(error.name));
      await carriedOut(stack, "back", progress);`);
    assert.equal(told, "Refusal\nbegun");
  });

  it("stops the engine though the signal came just before the engine's process was there", async () => {
    const stack = await StandInStack.make(`
      told=no
      trap 'told=yes' INT
      sleep 2
      [ $told = yes ] || say "went on to its end"
      exit 255`);
    const root = new URL("../../..", import.meta.url).pathname;
    const { code, stdout, output } = await stack.node(
      "--input-type=module",
      "--eval",
      `import { engineStop, listenForSignals } from "${root}release/cut-off.ts";
      import { carriedOut } from "${root}release/engine-run.ts";
      import { openStack } from "${root}release/stack.ts";
      import { plainProgress } from "${root}release/terminal.ts";
      listenForSignals(() => undefined, () => process.exit(9));
      const stack = await openStack("dev", process.cwd());
      // The last that the Automation API does before it starts the engine.
      stack.engine.workspace.serializeArgsForOp = async () => {
        process.kill(process.pid, "SIGTERM");
        while (!engineStop.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
        return [];
      };
      const forward = { edit: { stillOurs: () => Promise.resolve() }, stop: engineStop };
      await carriedOut(stack, "forward", plainProgress(process.stderr), forward)
        .catch((error) => console.log(error.name));`,
    ).done;
    const calls = await stack.calls();
    await stack.remove();
    assert.equal(code, 0, output);
    assert.equal(stdout.trim(), "Refusal");
    assert.ok(!calls.includes("went on to its end"));
  });
});
