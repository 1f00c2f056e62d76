import assert from "node:assert/strict";
import type { StackRecord } from "../../../components/slot/record.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { type DeployRequest, planDeploy } from "../../../release/deploy/plan.ts";
import { Refusal } from "../../../release/outcome.ts";
import { at } from "../../support/json.ts";
import { recordOf, settingsOf, slotSpecOf, WEB } from "../../support/fixtures.ts";

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

  describe("of a stack with a web server", () => {
    const images = { api: "app:1", web: "pages:1" };
    const config = { active: "blue", web: { apiPaths: ["/api"] }, blue: { release: "1", images } };
    const liveWith = (now: { api: string; web?: string }, web: Record<string, string> = WEB) => {
      const blue = slotSpecOf("blue", { release: "1", images: now }, settingsOf(web));
      return recordOf({ slots: { blue, green: null } });
    };
    const record = liveWith(images);
    const imagesOf = (...args: Parameters<typeof plan>) => at(plan(...args).changes["green"], "images");

    it("keeps the live release's pages where only the API is named, and says so", () => {
      assert.deepEqual(imagesOf({}, { config, record }), { api: "app:3", web: "pages:1" });
      assert.deepEqual(plan({}, { config, record }).kept, { web: "pages:1" });
    });

    it("keeps the live release's API where only the pages are named", () => {
      const request = { images: { web: "pages:2" } };
      assert.deepEqual(imagesOf(request, { config, record }), { api: "app:1", web: "pages:2" });
    });

    it("asks for the first pages where the live release has none to keep", () => {
      const view = { config, record: liveWith({ api: "app:1" }, {}) };
      const { message, fix } = refusal(() => plan({}, view));
      assert.match(message, /got nothing for web, which a release of dev needs/);
      assert.equal(fix, "npx bluegreen deploy --stack dev --image api=app:3 web=NAME:TAG");
      const named = { images: { api: "app:1", web: "pages:1" } };
      assert.deepEqual(imagesOf(named, view), named.images, "the API's image may stay");
      assert.match(
        refusal(() => plan({}, { config: { ...config, blue: {} }, record: undefined })).message,
        /got nothing for web/,
      );
    });

    it("takes over no pages that the stack has no use for any more", () => {
      const without = { active: "blue", blue: config.blue };
      assert.deepEqual(imagesOf({}, { config: without, record }), { api: "app:3" });
    });

    for (const [name, fix] of [
      ["web", "npx bluegreen deploy --stack dev --image api=app:3, or give the stack the key web"],
      ["wep", "npx bluegreen deploy --stack dev --image api=app:3"],
    ] as const)
      it(`refuses an image of ${name} where a release has none`, () => {
        const images = { api: "app:3", [name]: "pages:2" };
        const refused = refusal(() => plan({ images }));
        assert.equal(refused.message, `--image got ${name}; a release of dev has images of api`);
        assert.equal(refused.fix, fix);
      });
  });

  it("leaves the visitors where they are when asked to", () => {
    assert.deepEqual(Object.keys(plan({ flip: false }).changes), ["green"]);
  });

  it("adds a part to a release whose other images stay", () => {
    const images = { api: "app:1", web: "web:1" };
    const { changes } = plan({ images }, { config: { ...CONFIG, web: { apiPaths: ["/api"] } } });
    assert.deepEqual(changes["green"], { release: "3", images, migration, by: "Anna" });
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
      /says active: green, and active: blue is brought up/,
    ],
    [
      "the file asks for another release of the live slot",
      { config: { ...CONFIG, blue: { release: "9", images: { api: "app:9" } } } },
      /says blue: release 9, and blue: release 1 is brought up/,
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
