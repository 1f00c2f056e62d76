import assert from "node:assert/strict";
import { EXIT } from "../../../release/outcome.ts";
import { recordOf, slotSpecOf } from "../../support/fixtures.ts";
import { at } from "../../support/json.ts";
import { parsedJson } from "../../../components/parsed-json.ts";
import { until } from "../../support/process.ts";
import { StandInStack } from "../../support/stand-in-stack.ts";

const DEPLOY = ["deploy", "--image", "api=app:3", "--by", "Anna", "--commit", "1a2b3c4d5e6f7788", "--yes"];
const LOCKED = 'echo "error: the stack is currently locked by 1 lock(s)" >&2; exit 255';

const keysOf = (value: unknown): readonly string[] =>
  typeof value === "object" && value !== null ? Object.keys(value) : [];

describe("a deploy", () => {
  let stack: StandInStack;
  afterEach(() => stack.remove());

  it("that fails before its switch is in the history, with all that is known of it", async () => {
    const migrated =
      '{"event":"migrated","at":"2026-01-02T03:04:05Z","color":"green","release":"3","kind":"expand","worksWith":[],"before":"a","after":"b","milliseconds":700,"ok":true}';
    stack = await StandInStack.make(`
      case $message in undo*) exit 0 ;; esac
      echo '${migrated}' >>"$here/host/ledger"
      changes slot-green-api
      echo "error: app:3 is unhealthy" >&2
      exit 255`);
    const deploy = await stack.bluegreen(...DEPLOY).done;
    assert.equal(deploy.code, EXIT.failed, deploy.output);
    assert.deepEqual(await stack.calls(), ["up: release 3", "up: undo release 3"]);

    const history = await stack.bluegreen("history", "--json").done;
    const [failed] = [parsedJson(history.stdout)].flat();
    assert.deepEqual(
      ["release", "verdict", "color", "images", "commit", "by", "live"].map((key) => at(failed, key)),
      ["3", "failed", "green", { api: "app:3" }, "1a2b3c4d5e6f7788", "Anna", []],
    );
    assert.equal(at(failed, "migration", "after"), "b");
    assert.match(String(at(failed, "reason")), /app:3 is unhealthy/);
    const took = at(failed, "runs", "0", "ended", "milliseconds");
    assert.deepEqual(keysOf(took), ["plan", "update", "undo"]);
    const status = await stack.bluegreen("status").done;
    assert.doesNotMatch(status.stdout, /^! deploy/m, "it was undone");
  });

  it("that could not be undone is told to whoever comes next, with how to go on", async () => {
    stack = await StandInStack.make(`
      case $message in undo*) ${LOCKED} ;; esac
      changes slot-green-api
      echo "error: gone" >&2
      exit 255`);
    const deploy = await stack.bluegreen(...DEPLOY).done;
    assert.equal(deploy.code, EXIT.failed, deploy.output);
    const status = await stack.bluegreen("status").done;
    assert.match(
      status.stdout,
      /^! deploy of release 3 by Anna, begun \S+, failed; green could not be put back \(another update of dev .*\): pulumi up --stack dev/m,
    );
  });

  it("that nothing came of is no release", async () => {
    stack = await StandInStack.make(LOCKED);
    const deploy = await stack.bluegreen(...DEPLOY).done;
    assert.equal(deploy.code, EXIT.refused, deploy.output);
    const history = await stack.bluegreen("history", "--json").done;
    assert.deepEqual(parsedJson(history.stdout), []);
  });

  // All but the builder's signal reach whatever runs in the terminal; a shell that is gone passes its own SIGHUP on to the one of the kernel.
  const SIGNALS = [
    ["Ctrl-C", "SIGINT", 1, true],
    ["a builder", "SIGTERM", 1, false],
    ["a lost terminal", "SIGHUP", 2, true],
  ] as const;
  for (const [what, signal, times, toAll] of SIGNALS) {
    it(`that is cut off by ${what} lets the engine end its step, tells it so once, and is put back`, async () => {
      stack = await StandInStack.make(`
        case $message in undo*) exit 0 ;; esac
        told=0 left=200
        trap 'told=$((told + 1))' INT
        changes slot-green-api
        say begun
        while [ $told -eq 0 ] && [ $left -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
        sleep 1
        say "told $told times"
        echo "error: update cancelled" >&2
        exit 255`);
      const deploy = stack.bluegreen(...DEPLOY);
      await until("the update is under way", async () => (await stack.calls()).includes("begun"), 30_000);
      const { pid = 0 } = deploy.child;
      for (let time = 0; time < times; time++) {
        process.kill(toAll ? -pid : pid, signal);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      const { code, output } = await deploy.done;
      assert.deepEqual(
        await stack.calls(),
        ["up: release 3", "begun", "told 1 times", "up: undo release 3"],
        output,
      );
      assert.equal(code, EXIT.interrupted, output);
      assert.match(output, /green is as it was/);
    });
  }

  it("in steps has what all of them took on the record", async () => {
    stack = await StandInStack.make('changes slot-green-api; cp "$here/next" "$here/outputs"');
    const release = { release: "3", images: { api: "app:3" } };
    const slots = { ...recordOf().slots, green: slotSpecOf("green", release) };
    await stack.remember("next", recordOf({ slots }));
    await stack.program("curl", "printf 'live blue\\ncanary 50\\nrelease.blue 1\\nrelease.green 3\\n'");
    await stack.program("host/bin/watch.sh", "echo verdict good held");
    const deploy = await stack.bluegreen(...DEPLOY, "--canary", "50", "--hold", "1s").done;
    assert.equal(deploy.code, EXIT.done, deploy.output);
    assert.match(deploy.stdout, /has 50 % of the visitors.*; plan .*, update .*, steps /);
    const ended = (await stack.ledger()).findLast(
      (entry) => entry.event === "ended" && entry.command === "deploy",
    );
    assert.deepEqual(keysOf(at(ended, "milliseconds")), ["plan", "update", "steps"]);
  });
});
