import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { parse } from "yaml";
import { STACKS } from "../../../delivery/branches.ts";
import { at } from "../../support/json.ts";

const files = globSync(".github/workflows/*.yml").sort();
const actions = globSync(".github/actions/*/action.yml");
const read = (file: string): unknown => parse(readFileSync(file, "utf8"));
const entries = (value: unknown): [string, unknown][] => Object.entries(value ?? {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const jobsOf = (file: string) => entries(at(read(file), "jobs"));
const stepsOf = (file: string): readonly unknown[] =>
  actions.includes(file)
    ? list(at(read(file), "runs", "steps"))
    : jobsOf(file).flatMap(([, job]) => list(at(job, "steps")));
const scriptsOf = (file: string) =>
  stepsOf(file)
    .map((step) => at(step, "run"))
    .filter((script) => typeof script === "string");

const UPDATES = ["deploy", "rollback"];

describe("the workflows", () => {
  it("are the six of docs/delivery.md", () => {
    assert.deepEqual(
      files.map((file) => basename(file, ".yml")),
      ["ci", "deploy", "drift", "preview", "rollback", "security"],
    );
  });

  for (const file of [...files, ...actions]) {
    it(`${file} uses others' actions by their commit, with the version beside it`, () => {
      for (const line of readFileSync(file, "utf8")
        .split("\n")
        .filter((one) => /^\s*(- )?uses:/.test(one)))
        assert.match(
          line,
          /uses: (\.\/\.github\/actions\/[\w-]+|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/,
        );
    });

    it(`${file} expands nothing into a script`, () => {
      for (const script of scriptsOf(file)) assert.doesNotMatch(script, /\$\{\{/);
    });

    it(`${file} runs scripts that exist`, () => {
      const names = scriptsOf(file).flatMap((text) =>
        [...text.matchAll(/npm run --silent ([\w:-]+)/g)].map(([, one = ""]) => one),
      );
      const known = entries(at(JSON.parse(readFileSync("package.json", "utf8")), "scripts")).map(
        ([one]) => one,
      );
      assert.deepEqual(
        names.filter((name) => !known.includes(name)),
        [],
      );
      const commands = scriptsOf(file).flatMap((text) =>
        [...text.matchAll(/delivery -- ([\w-]+)/g)].map(([, one = ""]) => one),
      );
      const main = readFileSync("delivery/main.ts", "utf8");
      assert.deepEqual(
        commands.filter((name) => !new RegExp(`^  "?${name}"?: `, "m").test(main)),
        [],
      );
    });

    it(`${file} keeps the checkout's credentials out of the checkout`, () => {
      for (const step of stepsOf(file))
        if (String(at(step, "uses")).startsWith("actions/checkout@"))
          assert.equal(at(step, "with", "persist-credentials"), false);
    });
  }

  for (const file of files) {
    it(`${file} gives no permission to all, writes nothing into the repository, and ends`, () => {
      assert.deepEqual(at(read(file), "permissions"), {});
      for (const [name, job] of jobsOf(file)) {
        const permissions = entries(at(job, "permissions"));
        assert.ok(permissions.length > 0, name);
        assert.equal(Object.fromEntries(permissions)["contents"], "read", name);
        assert.ok(Number(at(job, "timeout-minutes")) > 0, name);
      }
    });

    it(`${file} lets only jobs with an environment at secrets, roles and the stacks' hosts`, () => {
      for (const [name, job] of jobsOf(file)) {
        const text = JSON.stringify(job);
        const needs = /secrets\.|"id-token"|actions\/deployer/.test(text);
        assert.equal(needs, at(job, "environment") !== undefined, name);
      }
    });
  }

  for (const name of UPDATES) {
    it(`${name} updates a stack one at a time, and is never cut off`, () => {
      const [, job] = jobsOf(`.github/workflows/${name}.yml`).find(([key]) => key === name) ?? [];
      assert.match(String(at(job, "concurrency", "group")), /^stack-\$\{\{ [\w.]+stack \}\}$/);
      assert.equal(at(job, "concurrency", "cancel-in-progress"), false);
      assert.equal(
        JSON.stringify(read(`.github/workflows/${name}.yml`)).includes('"cancel-in-progress":true'),
        false,
      );
    });
  }

  it("offer and look at every stack", () => {
    const inputs = at(read(".github/workflows/rollback.yml"), "on", "workflow_dispatch", "inputs");
    assert.deepEqual(at(inputs, "stack", "options"), [...STACKS]);
    for (const [name, job] of [
      ["preview", "plan"],
      ["drift", "drift"],
    ] as const)
      assert.deepEqual(
        at(read(`.github/workflows/${name}.yml`), "jobs", job, "strategy", "matrix", "stack"),
        [...STACKS],
      );
  });

  it("push an image only after it was tried, and deploy it by its digest", () => {
    const deploy = readFileSync("delivery/image/deliver.ts", "utf8");
    const places = ["buildWords(", "smokeTest(", "scanImage(", '"push"', "pushedReference("].map((text) =>
      deploy.lastIndexOf(text),
    );
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.match(
      readFileSync(".github/workflows/deploy.yml", "utf8"),
      /npx bluegreen deploy --stack "\$STACK" --image "api=\$IMAGE" --json/,
    );
  });
});
