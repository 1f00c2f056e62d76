import assert from "node:assert/strict";
import { MINIMAL } from "../../support/fixtures.ts";
import { at } from "../../support/json.ts";
import { type ProgramArgs, runProgram } from "../../support/program.ts";
import { until } from "../../support/process.ts";
import { httpReceiver } from "../../support/receivers.ts";

const HOST = '{"kind":"local","engine":"SOCKET","directory":"/srv/bluegreen-dev","memoryMb":2048}';
const SECRET = "hunter2";
const MARK = "BLUEGREEN_COMMAND_TELLS";

describe("the program's own messages", () => {
  let hook: Awaited<ReturnType<typeof httpReceiver>>;
  beforeEach(async () => {
    hook = await httpReceiver(200);
  });
  afterEach(async () => {
    Reflect.deleteProperty(process.env, MARK);
    await hook.close();
  });

  async function run(more: Partial<ProgramArgs> = {}) {
    const messages = JSON.stringify([{ kind: "webhook", url: `${hook.url}/${SECRET}` }]);
    const config = { ...MINIMAL, host: HOST, messages };
    return await runProgram({ stack: "dev", config, secrets: ["messages"], ...more });
  }
  const hooked = ({ registrations }: Awaited<ReturnType<typeof run>>) => ({
    switched: registrations.filter((one) => one.hooks.afterCreate.length > 0).map(({ name }) => name),
    failing: registrations.filter((one) => one.hooks.onError.length > 0).map(({ type }) => type),
    components: registrations.filter(({ type }) => type.startsWith("bluegreen:")).length,
    all: registrations.length,
  });

  it("are bound to the switch's end and to every resource's failure, and stand in none of their inputs", async () => {
    const made = await run();
    const { switched, failing, components, all } = hooked(made);
    assert.deepEqual(switched, ["switch-flip"]);
    assert.equal(failing.length, all - components);
    assert.doesNotMatch(JSON.stringify(made.registrations), new RegExp(SECRET));
    await until("it is told", () => hook.received.length > 0);
    assert.deepEqual(
      hook.received.map(({ body }) => [at(body, "event"), at(body, "command"), at(body, "release")]),
      [["started", "up", "1"]],
    );
  });

  it("are left to the command that runs the engine", async () => {
    process.env[MARK] = "1";
    const { switched, failing } = hooked(await run());
    assert.deepEqual([switched, failing, hook.received], [[], [], []]);
  });

  it("are none in a preview, nor without a channel", async () => {
    for (const more of [{ preview: true }, { config: { ...MINIMAL, host: HOST }, secrets: [] }]) {
      const { switched, failing } = hooked(await run(more));
      assert.deepEqual([switched, failing, hook.received], [[], [], []]);
    }
  });
});
