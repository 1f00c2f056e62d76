import assert from "node:assert/strict";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { type DeployRequest, planDeploy } from "../../../release/deploy/plan.ts";
import { Refusal } from "../../../release/outcome.ts";
import { recordOf } from "../../support/fixtures.ts";

const migration = { command: ["python", "-m", "app.migrate"], timeoutSeconds: 60 };
const CONFIG: PlainMap = {
  active: "blue",
  blue: { release: "1", images: { api: "app:1" }, migration },
  green: { release: "2", images: { api: "app:2" } },
};
const REQUEST: DeployRequest = { images: { api: "app:3" }, by: "Anna", flip: true };

function refusal(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function plan(
  request: Partial<DeployRequest> = {},
  view: {
    config?: PlainMap;
    record?: StackRecord | undefined;
    known?: readonly string[];
    history?: readonly { release: string; images: Record<string, string> }[];
  } = {},
) {
  const before = { stack: "dev", config: CONFIG, record: recordOf(), known: [], history: [], ...view };
  return planDeploy(before, { ...REQUEST, ...request });
}

describe("the plan of a deploy", () => {
  it("releases onto the idle slot, with the live slot's migration, and flips to it", () => {
    const { color, release, from, changes } = plan({ commit: "1a2b3c4d" });
    assert.deepEqual(
      { color, release, from },
      { color: "green", release: "3", from: { color: "blue", release: "1" } },
    );
    assert.deepEqual(changes, {
      green: { release: "3", images: { api: "app:3" }, migration, commit: "1a2b3c4d", by: "Anna" },
      active: "green",
    });
  });

  it("leaves the visitors where they are when asked to", () => {
    assert.deepEqual(Object.keys(plan({ flip: false }).changes), ["green"]);
  });

  it("is the first release of a stack that was never up, on its active colour", () => {
    const { color, release, from, changes } = plan({}, { record: undefined, config: { active: "green" } });
    assert.deepEqual([color, release, from], ["green", "1", undefined]);
    assert.deepEqual(changes["active"], "green");
  });

  it("takes the next number after all that were ever used", () => {
    assert.equal(plan({}, { known: ["7", "41"] }).release, "42");
    assert.equal(plan({ release: "spring" }).release, "spring");
  });

  it("never gives a past release's id to other images", () => {
    const history = [{ release: "9", images: { api: "app:9" } }];
    assert.match(
      refusal(() => plan({ release: "9" }, { history })).message,
      /release 9 is on record with other images/,
    );
    assert.equal(plan({ release: "9", images: { api: "app:9" } }, { history }).release, "9");
  });

  it("takes the commit where releases have names, and asks for one where there is none", () => {
    assert.equal(plan({ commit: "1a2b3c4d5e6f7788" }, { known: ["spring"] }).release, "1a2b3c4d5e6f");
    assert.match(refusal(() => plan({}, { known: ["spring"] })).fix, /--release NAME/);
  });

  it("a release that comes after a rollback migrates again", () => {
    const config = {
      ...CONFIG,
      blue: { release: "1", images: { api: "app:1" }, migration: { ...migration, skip: true } },
    };
    const green = plan({}, { config }).changes["green"];
    assert.deepEqual(green, { release: "3", images: { api: "app:3" }, migration, by: "Anna" });
  });

  for (const [what, view, message] of [
    [
      "the live slot runs these images",
      { config: CONFIG },
      /release 1, which is live, runs these images already/,
    ],
    [
      "a canary runs",
      { record: recordOf({ canary: 10 }) },
      /10 % of visitors are on green, in a canary of release 2/,
    ],
    [
      "the file asks for another colour",
      { config: { ...CONFIG, active: "green" } },
      /says active: green, and blue is live/,
    ],
    [
      "the file asks for another release of the live slot",
      { config: { ...CONFIG, blue: { release: "9", images: { api: "app:9" } } } },
      /says release 9 for blue, where 1 is live/,
    ],
  ] as const) {
    it(`is refused where ${what}`, () => {
      const images = what === "the live slot runs these images" ? { api: "app:1" } : { api: "app:3" };
      const { message: said, fix } = refusal(() => plan({ images }, view));
      assert.match(said, message);
      assert.match(fix, /bluegreen/);
    });
  }
});
