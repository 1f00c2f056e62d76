import assert from "node:assert/strict";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { Changes, PlainMap } from "../../../release/config-file.ts";
import { planDeploy } from "../../../release/deploy/plan.ts";
import { planMaintenance } from "../../../release/maintenance/plan.ts";
import { Refusal } from "../../../release/outcome.ts";
import { planPromote } from "../../../release/promote/plan.ts";
import { keyDifferences } from "../../../release/release-keys.ts";
import { planRollback } from "../../../release/rollback/plan.ts";
import { recordOf } from "../../support/fixtures.ts";

const CONFIG: PlainMap = {
  active: "blue",
  blue: { release: "1", images: { api: "app:1" } },
  green: { release: "2", images: { api: "app:2" } },
  environment: { LOG_LEVEL: "debug" },
};
const withoutGreen = Object.fromEntries(Object.entries(CONFIG).filter(([key]) => key !== "green"));

interface View {
  readonly stack: string;
  readonly config: PlainMap;
  readonly record: StackRecord;
}
const COMMANDS: Readonly<Record<string, (view: View) => unknown>> = {
  deploy: (view) =>
    planDeploy({ ...view, known: [], history: [] }, { images: { api: "app:3" }, by: "Ben", flip: true }),
  "deploy --no-flip": (view) =>
    planDeploy({ ...view, known: [], history: [] }, { images: { api: "app:3" }, by: "Ben", flip: false }),
  promote: (view) => planPromote(view, 20),
  "maintenance on": (view) => planMaintenance(view, { state: "on", retryAfterSeconds: 60, by: "Ben" }),
  "maintenance off": (view) => planMaintenance(view, { state: "off", by: "Ben" }),
};

interface Case {
  readonly key: string;
  readonly config?: PlainMap;
  readonly record?: StackRecord;
  readonly says: string;
  readonly runs: string;
  /** What a file that says what runs has of the key. */
  readonly restored: Changes;
  /** Carries the key out itself. */
  readonly but?: string;
}
const cases: Readonly<Record<string, Case>> = {
  "another live colour": {
    ...{ key: "active", config: { ...CONFIG, active: "green" }, says: "green", runs: "blue" },
    restored: { active: "blue" },
  },
  "a canary that was never brought up": {
    ...{ key: "canary", config: { ...CONFIG, canary: 10 }, says: "10", runs: "0" },
    restored: { canary: 0 },
  },
  "no maintenance, while it is on": {
    ...{ key: "maintenance", record: recordOf({ maintenance: 600 }), says: "off", runs: "on (600 s)" },
    restored: { maintenance: { retryAfterSeconds: 600, by: "Anna" } },
    but: "maintenance",
  },
  "maintenance, while it is off": {
    ...{ key: "maintenance", config: { ...CONFIG, maintenance: {} }, says: "on (600 s)", runs: "off" },
    restored: { maintenance: undefined },
    but: "maintenance",
  },
  "another release of the live slot": {
    ...{ key: "blue", config: { ...CONFIG, blue: { release: 9, images: { api: "app:9" } } } },
    ...{ says: "release 9", runs: "release 1" },
    restored: { blue: { release: "1", images: { api: "app:1" } } },
  },
  "another release of the idle slot": {
    ...{ key: "green", config: { ...CONFIG, green: { release: "3", images: { api: "app:3" } } } },
    ...{ says: "release 3", runs: "release 2" },
    restored: { green: { release: "2", images: { api: "app:2" } } },
  },
  "no idle slot": {
    ...{ key: "green", config: withoutGreen, says: "no release", runs: "release 2" },
    restored: { green: { release: "2", images: { api: "app:2" } } },
  },
};

const viewOf = ({ config = CONFIG, record = recordOf() }: Partial<Case>): View => ({
  ...{ stack: "dev", config, record },
});
const roll = (view: View) =>
  planRollback({ ...view, history: [], contract: undefined, by: "Ben", maintainedBy: "Anna" });

describe("a file that says something else than what runs", () => {
  it("does not differ in what is no release key, nor in how a number is written", () => {
    const file = { ...CONFIG, blue: { release: 1 }, canary: "10", maintenance: { retryAfterSeconds: "60" } };
    assert.deepEqual(keyDifferences(file, recordOf({ canary: 10, maintenance: 60 })), []);
    const { slots } = recordOf();
    assert.deepEqual(keyDifferences(withoutGreen, recordOf({ slots: { ...slots, green: null } })), []);
  });

  for (const [what, one] of Object.entries(cases)) {
    const { key, says, runs, restored, but } = one;

    it(`${what}: is found, by key and with both values`, () => {
      const { config, record } = viewOf(one);
      assert.deepEqual(keyDifferences(config, record), [{ key, file: says, state: runs }]);
    });

    for (const [command, plan] of Object.entries(COMMANDS)) {
      if (but !== undefined && command.startsWith(but)) continue;
      it(`${what}: ${command} is refused`, () => {
        assert.throws(
          () => plan(viewOf(one)),
          (error) =>
            error instanceof Refusal &&
            error.message === `Pulumi.dev.yaml says ${key}: ${says}, and ${key}: ${runs} is brought up` &&
            error.fix.includes(
              "once no command is at work: npx bluegreen rollback --stack dev makes the file say what runs",
            ),
        );
      });
    }

    it(`${what}: rollback makes the file say what runs, and changes nothing else`, () => {
      const { kind, release, color, changes } = roll(viewOf(one));
      assert.deepEqual([kind, release, color], ["restore", "1", "blue"]);
      assert.deepEqual(changes, { active: "blue", canary: 0, ...restored });
    });
  }

  it("keeps the canary that runs, whatever the file says", () => {
    const view = viewOf({ config: { ...CONFIG, canary: 50 }, record: recordOf({ canary: 10 }) });
    assert.deepEqual(roll(view).changes, { active: "blue", canary: 10 });
  });

  it("keeps maintenance on over a rollback to a release that is named", () => {
    const view = viewOf({ record: recordOf({ maintenance: 600 }) });
    const { kind, changes } = planRollback(
      { ...view, history: [], contract: undefined, by: "Ben", maintainedBy: undefined },
      "2",
    );
    assert.equal(kind, "flip");
    assert.deepEqual(changes, { active: "green", canary: 0, maintenance: { retryAfterSeconds: 600 } });
  });
});
