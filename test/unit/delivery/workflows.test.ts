import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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
      const options = scriptsOf(file).flatMap((text) =>
        [...text.replaceAll("\\\n", "").matchAll(/delivery -- (.*)/g)].flatMap(([, words = ""]) =>
          [...words.matchAll(/--([\w-]+)/g)].map(([, one = ""]) => one),
        ),
      );
      assert.deepEqual(
        options.filter((name) => !new RegExp(`^  "?${name}"?: \\{ type: `, "m").test(main)),
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
        const environment = at(job, "environment");
        const approves = /^approve-\$\{\{ [\w.]+stack \}\}$/.test(String(environment));
        assert.equal(needs, environment !== undefined && !approves, name);
      }
    });
  }

  for (const name of UPDATES) {
    it(`${name} updates a stack one at a time, and is never cut off`, () => {
      const [, job] = jobsOf(`.github/workflows/${name}.yml`).find(([key]) => key === name) ?? [];
      assert.match(String(at(job, "concurrency", "group")), /^stack-\$\{\{ [\w.]+stack \}\}$/);
      assert.equal(at(job, "concurrency", "cancel-in-progress"), false);
      // Or the next to come would cancel the one that waits, a rollback too.
      assert.equal(at(job, "concurrency", "queue"), "max");
      assert.equal(
        JSON.stringify(read(`.github/workflows/${name}.yml`)).includes('"cancel-in-progress":true'),
        false,
      );
    });
  }

  for (const name of UPDATES) {
    it(`${name} is approved before it comes into the stack's group, so that whoever waits for it holds up nobody`, () => {
      const jobs = Object.fromEntries(jobsOf(`.github/workflows/${name}.yml`));
      const { approval } = jobs;
      assert.equal([at(jobs[name], "needs")].flat().includes("approval"), true);
      assert.equal(at(approval, "environment"), `approve-${String(at(jobs[name], "environment"))}`);
      assert.match(String(at(approval, "concurrency", "group")), /github\.run_id/);
    });

    it(`${name} says for the record who asked for it`, () => {
      const file = `.github/workflows/${name}.yml`;
      const step = stepsOf(file).find((one) => String(at(one, "run")).includes("npx bluegreen"));
      assert.match(String(at(step, "run")), /--by "\$ACTOR"/);
      assert.equal(at(step, "env", "ACTOR"), "${{ github.actor }}");
    });
  }

  it("deploy no commit that came before the deployed one, and a contract as git declares it", () => {
    const [, job] = jobsOf(".github/workflows/deploy.yml").find(([key]) => key === "deploy") ?? [];
    const steps = list(at(job, "steps"));
    assert.equal(at(steps[0], "with", "fetch-depth"), 0);
    const standing = steps.findIndex((step) => String(at(step, "run")).includes("delivery -- standing"));
    const deploys = steps.findIndex((step) => String(at(step, "run")).includes("bluegreen deploy"));
    assert.ok(standing > 0 && standing < deploys);
    assert.equal(at(steps[deploys], "if"), "steps.standing.outputs.outdated != 'true'");
    assert.equal(at(steps[deploys], "env", "CONTRACT"), "${{ steps.standing.outputs.contract }}");
    const script = String(at(steps[deploys], "run"));
    for (const [contract, words] of [
      ["", "--by Ann"],
      ["41 42", "--by Ann --contract 41 42"],
    ] as const) {
      const env = { ...process.env, ACTOR: "Ann", CONTRACT: contract, STACK: "prod", IMAGE: "i" };
      const fakes = 'make() { :; }; npx() { echo "$*"; };';
      const ran = execFileSync("bash", ["-e", "-c", `${fakes} ${script}`], { env, encoding: "utf8" });
      assert.ok(ran.trim().endsWith(words), ran);
    }
  });

  for (const [name, work] of [
    ["drift", "delivery -- drift"],
    ["rollback", "npx bluegreen rollback"],
  ] as const)
    it(`${name} with the program and the settings that were deployed, not with what was merged since`, () => {
      const [, job] = jobsOf(`.github/workflows/${name}.yml`).find(([key]) => key === name) ?? [];
      const steps = list(at(job, "steps"));
      // The branch's own checkout stays: its actions and its `delivery` do the work, and hold the way open.
      const checkouts = steps.filter((step) => String(at(step, "uses")).startsWith("actions/checkout@"));
      assert.deepEqual(
        checkouts.map((step) => at(step, "with")),
        [{ "persist-credentials": false }],
      );
      const deployer = steps.findIndex((step) => at(step, "uses") === "./.github/actions/deployer");
      const deployed = steps.findIndex((step) => at(step, "uses") === "./.github/actions/deployed");
      const works = steps.findIndex((step) => String(at(step, "run")).includes(work));
      assert.ok(deployer > 0 && deployer < deployed && deployed < works);
      assert.equal(at(steps[deployed], "with", "stack"), at(steps[works], "env", "STACK"));
      assert.equal(at(steps[works], "working-directory"), "deployed");
      const script = String(at(steps[works], "run"));
      assert.ok(script.indexOf("make --silent env") >= 0, script);
      assert.ok(script.indexOf("make --silent env") < script.indexOf(work), script);
    });

  it("ask of the commit that was deployed what the first of them could do: it knows no later command or option", () => {
    const asked = files
      .flatMap(stepsOf)
      .filter((step) => at(step, "working-directory") === "deployed")
      .flatMap((step) => String(at(step, "run")).trim().split("\n"));
    assert.deepEqual(asked, [
      "make --silent env >/dev/null",
      'npm run --silent delivery -- drift --stack "$STACK" | tee "$GITHUB_STEP_SUMMARY"',
      'eval "$(make --silent env)"',
      'npx bluegreen rollback --stack "$STACK" ${RELEASE:+--to "$RELEASE"} --by "$ACTOR" --json',
    ]);
  });

  it("check out what was deployed beside the branch, whose own `delivery` carries the rest onto it", () => {
    const steps = stepsOf(".github/actions/deployed/action.yml");
    const [asks, goes, carries] = steps;
    assert.equal(steps.length, 3);
    assert.equal(
      at(asks, "run"),
      'npm run --silent delivery -- deployed --stack "$STACK" --output "$GITHUB_OUTPUT"',
    );
    // Empty for an update from outside a checkout: then it is the branch's own commit.
    assert.deepEqual(at(goes, "with"), {
      ref: `\${{ steps.${String(at(asks, "id"))}.outputs.commit }}`,
      path: "deployed",
      "persist-credentials": false,
    });
    assert.equal(
      at(carries, "run"),
      'npm run --silent delivery -- carry --stack "$STACK" --onto deployed --ref "$GITHUB_REF"',
    );
    for (const step of [asks, carries]) assert.equal(at(step, "env", "STACK"), "${{ inputs.stack }}");
    for (const step of steps) assert.equal(at(step, "working-directory"), undefined);
  });

  it("roll back to a release by its id, or without one to the release before", () => {
    const file = ".github/workflows/rollback.yml";
    const input = at(read(file), "on", "workflow_dispatch", "inputs", "release");
    assert.deepEqual([at(input, "required"), at(input, "type")], [false, "string"]);
    const step = stepsOf(file).find((one) => String(at(one, "run")).includes("npx bluegreen"));
    assert.equal(at(step, "env", "RELEASE"), "${{ inputs.release }}");
    const fakes = `make() { :; }; npx() { printf '<%s>' "$@"; };`;
    for (const [release, words] of [
      ["", ""],
      ["40", "<--to><40>"],
      ["40 --by Eve; $(id)", "<--to><40 --by Eve; $(id)>"],
    ] as const) {
      const env = { ...process.env, ACTOR: "Ann", STACK: "prod", RELEASE: release };
      const ran = execFileSync("bash", ["-e", "-c", `${fakes} ${String(at(step, "run"))}`], {
        env,
        encoding: "utf8",
      });
      assert.equal(ran, `<bluegreen><rollback><--stack><prod>${words}<--by><Ann><--json>`);
    }
  });

  it("of the tests that want root run as root, with the PATH that Node was put on", () => {
    const scripts = scriptsOf(".github/workflows/ci.yml");
    for (const target of ["test", "test-ssh"])
      assert.ok(scripts.includes(`sudo --set-home env "PATH=$PATH" make ${target}`), target);
  });

  it("take on a role for as long as the longest job that does", () => {
    const long = [...files].flatMap((file) =>
      jobsOf(file).flatMap(([, job]) =>
        list(at(job, "steps")).some((step) => at(step, "uses") === "./.github/actions/deployer")
          ? [Number(at(job, "timeout-minutes")) * 60]
          : [],
      ),
    );
    const takesOn = stepsOf(".github/actions/deployer/action.yml").find((step) =>
      String(at(step, "uses")).startsWith("aws-actions/configure-aws-credentials@"),
    );
    assert.ok(long.length > 0);
    assert.ok(Number(at(takesOn, "with", "role-duration-seconds") ?? 3600) > Math.max(...long));
  });

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

  it("push images only after all were tried, and deploy them by their digests", () => {
    const deploy = readFileSync("delivery/image/deliver.ts", "utf8");
    const steps = ["await build(", ".smoke(", "await scanImage(", "throw new Error(", "await push("];
    const places = steps.map((text) => deploy.lastIndexOf(text));
    assert.equal(places.includes(-1), false, places.join());
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    const file = ".github/workflows/deploy.yml";
    assert.match(
      readFileSync(file, "utf8"),
      /npx bluegreen deploy --stack "\$STACK" --image "api=\$API" \$\{WEB:\+"web=\$WEB"\} --json/,
    );
    const update = stepsOf(file).find((step) => at(step, "name") === "bluegreen deploy");
    for (const part of ["api", "web"]) {
      const given = `\${{ steps.images.outputs.${part} }}`;
      assert.equal(at(read(file), "jobs", "images", "outputs", part), given);
      assert.equal(at(update, "env", part.toUpperCase()), `\${{ needs.images.outputs.${part} }}`);
    }
  });
});
