import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readStackFile } from "../../../toolchain/compare/stack-file.ts";
import { completeSettings, parseConfig } from "../../../components/config/parse.ts";
import { renderProblems } from "../../../components/config/problems.ts";

const HOST = '{"kind":"local"}';
const GREEN = '{"release":"2","images":{"api":"app:2"}}';

function problemAt(values: Record<string, string>, key: string) {
  const { problems } = parseConfig({ active: "green", green: GREEN, host: HOST, ...values });
  const problem = problems.find((candidate) => candidate.key === key);
  assert.ok(problem, `no problem at ${key} in ${JSON.stringify(problems)}`);
  return problem;
}

describe("a stack's config", () => {
  it("needs no more than a colour, its release and a host; the rest has defaults", () => {
    const parsed = parseConfig({ active: "green", green: GREEN, host: HOST });
    assert.deepEqual(parsed.problems, []);
    const settings = completeSettings(parsed);
    assert.equal(settings.canary, 0);
    assert.deepEqual(settings.memoryMb, {
      api: 128,
      web: 32,
      worker: 192,
      beat: 96,
      postgres: 192,
      redis: 64,
      gateway: 64,
    });
    assert.deepEqual([settings.web, settings.worker, settings.beat], [undefined, undefined, undefined]);
    assert.deepEqual(settings.switch.smoke, [{ path: "/", status: 200, timeoutSeconds: 5 }]);
  });

  it("reports every problem at once, each with key, what was got, what is allowed and what to type", () => {
    const { problems } = parseConfig({
      active: "purple",
      canary: "101",
      host: '{"kind":"lokal"}',
      canry: "5",
    });
    assert.deepEqual(problems.map(({ key }) => key).sort(), ["active", "canary", "canry", "host.kind"]);
    assert.equal(
      renderProblems(problems, "dev").split("\n").slice(3, 5).join("\n"),
      '  bluegreen:active: got "purple"; allowed: "blue" or "green"\n' +
        "    fix: pulumi config set --stack dev 'active' 'blue'",
    );
    for (const { fix } of problems) assert.match(fix, /^pulumi config (set|rm) /);
  });

  it("names the nearest known key of an unknown one, at any depth", () => {
    assert.match(problemAt({ canry: "5" }, "canry").allowed, /the nearest is "canary"/);
    const inner = problemAt({ switch: '{"bakeSecond":3}' }, "switch.bakeSecond");
    assert.match(inner.allowed, /the nearest is "bakeSeconds"/);
    assert.equal(inner.fix, "pulumi config rm --path 'switch.bakeSecond'");
  });

  it("knows the keys of the kind of host that was given, not of the others", () => {
    const problem = problemAt({ host: '{"kind":"local","address":"203.0.113.10"}' }, "host.address");
    assert.equal(problem.allowed, 'kind, engine, directory, memoryMb; the nearest is "kind"');
  });

  it("refuses every key that was set as a secret, and shows its value nowhere", () => {
    const values = {
      active: "green",
      green: '{"release":"hunter2 hunter2","images":{"api":"app:2"}}',
      host: HOST,
      environment: '{"API_KEY":"hunter2","hunter2":"x"}',
      databasePassword: "hunter2",
    };
    const { problems, settings } = parseConfig(values, new Set(["green", "environment", "databasePassword"]));
    assert.deepEqual(problems.map(({ key }) => key).sort(), ["databasePassword", "environment", "green"]);
    assert.deepEqual(
      problems.find(({ key }) => key === "environment"),
      {
        key: "environment",
        got: "a secret",
        allowed:
          "plain values, but at registry.password, host.key.value, secrets.NAME and the keys of messages (`--secret --path`)",
        fix: "pulumi config rm 'environment'",
      },
    );
    assert.doesNotMatch(JSON.stringify([problems, settings]), /hunter2/);
  });

  it("refuses a colour that is neither", () => {
    const problem = problemAt({ active: "purple" }, "active");
    assert.deepEqual(problem, {
      key: "active",
      got: '"purple"',
      allowed: '"blue" or "green"',
      fix: "pulumi config set 'active' 'blue'",
    });
  });

  for (const canary of ["-1", "101", "0.5", "lots"]) {
    it(`refuses a canary of ${canary}`, () => {
      assert.match(problemAt({ canary }, "canary").allowed, /whole number of percent from 0 to 100/);
    });
  }

  it("takes a release id that the command line stored as a number", () => {
    const parsed = parseConfig({
      active: "green",
      green: '{"release":42,"images":{"api":"app:2"}}',
      host: HOST,
    });
    assert.equal(parsed.settings.green?.release, "42");
  });

  for (const [id, text] of [
    ["20240101123456789", "20240101123456789"],
    ["1.1", "1.1"],
    ["true", "true"],
    ["1e300", "42"],
  ] as const) {
    it(`asks for quotes around the release id ${id}`, () => {
      const problem = problemAt({ green: `{"release":${id},"images":{"api":"app:2"}}` }, "green.release");
      assert.equal(problem.got, id === "1e300" ? "1e+300" : id);
      assert.match(problem.allowed, /write it in quotes/);
      assert.equal(problem.fix, `pulumi config set --path --type string 'green.release' '${text}'`);
    });
  }

  it("shows a missing image with a command that sets it", () => {
    const problem = problemAt({ green: '{"release":"2","images":{}}' }, "green.images.api");
    assert.equal(problem.got, "nothing");
    assert.match(problem.fix, /^pulumi config set --path 'green.images.api' 'registry\/app-api@sha256:…'$/);
  });

  it("points at the entry of a list", () => {
    assert.equal(
      problemAt({ switch: '{"smoke":[{"path":"health"}]}' }, "switch.smoke[0].path").got,
      '"health"',
    );
  });

  it("takes an environment of upper-case names only", () => {
    assert.equal(problemAt({ environment: '{"log level":"x"}' }, "environment.log level").got, '"log level"');
  });

  for (const stack of ["dev", "staging", "prod"]) {
    it(`parses Pulumi.${stack}.yaml`, () => {
      const file = readStackFile(readFileSync(`Pulumi.${stack}.yaml`, "utf8"), stack, "bluegreen");
      assert.equal(file.kind === "wrong" ? file.report : "", "");
    });
  }
});
