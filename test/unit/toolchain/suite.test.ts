import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

import { CLOUD, SSH, TEST, type Stage } from "../../../toolchain/setup/suite.ts";
import { at } from "../../support/json.ts";

const root = resolve(import.meta.dirname, "../../..");
const manifest: unknown = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

interface Run {
  readonly overSsh: boolean;
  readonly files: readonly string[];
}

const partsOf = (stages: readonly Stage[]): readonly string[] =>
  stages.flatMap(({ parts }) => parts.map(({ name }) => name));

/** What each part of the stages gives to mocha. */
function runsOf(stages: readonly Stage[]): readonly Run[] {
  return partsOf(stages).flatMap((name): Run[] => {
    const script = at(manifest, "scripts", name);
    if (typeof script !== "string" || !script.includes("mocha ")) return [];
    const [wanted = "", ignored = ""] = script.split("--ignore");
    const patterns = (text: string): string[] =>
      [...text.matchAll(/'([^']+)'/g)].map(([, glob = ""]) => glob);
    const files = globSync(patterns(wanted), { cwd: root, exclude: patterns(ignored) });
    return [{ overSsh: script.includes("BLUEGREEN_TEST_TARGET=machine"), files }];
  });
}

describe("the parts of make test, test-ssh and test-cloud", () => {
  const once = new Map(
    [...TEST, ...SSH, ...CLOUD].flatMap(({ parts }) => parts.map((part) => [part.name, part])),
  );
  const runs = runsOf([{ lanes: 1, parts: [...once.values()] }]);
  const times = (file: string, overSsh: boolean): number =>
    runs.filter((run) => run.overSsh === overSsh && run.files.includes(file)).length;

  it("run every test file, on one engine and over SSH once at the most", () => {
    const all = globSync("test/**/*.test.ts", { cwd: root });
    assert.ok(all.length > 40, `found ${all.length}`);
    assert.deepEqual(
      all.filter((file) => times(file, false) + times(file, true) === 0),
      [],
      "nobody runs these",
    );
    assert.deepEqual(
      all.filter((file) => times(file, false) > 1 || times(file, true) > 1),
      [],
      "these run twice",
    );
  });

  it("are what a builder calls, but for the clouds' and what repeats itself over SSH", () => {
    assert.deepEqual(
      [...once.keys()].filter((name) => !partsOf(TEST).includes(name)),
      ["test:ssh:rest", "test:walk:ssh", "test:machine", "test:cloud:stacks", "test:cloud:parts"],
    );
    assert.match(readFileSync(`${root}/.ci/run`, "utf8"), /make --silent test \|\|/);
  });

  it("run what is for a test machine over SSH only", () => {
    for (const file of globSync("test/ssh/*.test.ts", { cwd: root })) {
      assert.deepEqual([times(file, false), times(file, true)], [0, 1], file);
    }
  });
});
