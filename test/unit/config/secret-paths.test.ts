import assert from "node:assert/strict";
import { setCommand } from "../../../components/config/commands.ts";
import { parseConfig } from "../../../components/config/parse.ts";
import { secretSource, secretsIn } from "../../../components/config/secret-paths.ts";

const KEY = { kind: "secret", value: "hunter2" };
const HOST = { kind: "local", key: KEY };

describe("the secrets of a config", () => {
  it("are known by their path, whatever name a map gives them", () => {
    assert.equal(secretSource(["secrets", "STRIPE_KEY"]), "");
    assert.equal(secretSource(["registry", "password"]), "");
    assert.equal(secretSource(["host", "key", "value"]), " <~/.ssh/deploy_key");
    for (const path of [["host"], ["host", "key"], ["secrets"], ["environment", "STRIPE_KEY"]]) {
      assert.equal(secretSource(path), undefined, path.join("."));
    }
  });

  it("are found in a key's value", () => {
    assert.deepEqual(secretsIn("host", HOST), [["host", "key", "value"]]);
    assert.deepEqual(secretsIn("secrets", { A: "1", B: "2" }), [
      ["secrets", "A"],
      ["secrets", "B"],
    ]);
    assert.deepEqual(secretsIn("host", { kind: "local", key: { kind: "agent" } }), []);
    assert.deepEqual(secretsIn("host", "text"), []);
  });

  it("are set by a command that does not hold them", () => {
    assert.equal(
      setCommand(["host", "key", "value"]),
      "pulumi config set --secret --path 'host.key.value' <~/.ssh/deploy_key",
    );
    assert.equal(
      setCommand(["registry", "password"]),
      "pulumi config set --secret --path 'registry.password'",
    );
  });

  it("are refused as plain text, and shown in no report", () => {
    const { problems, unsound } = parseConfig({ host: JSON.stringify(HOST) });
    const problem = problems.find(({ key }) => key === "host.key.value");
    assert.equal(problem?.got, "a plain value");
    assert.match(problem.fix, /--secret --path 'host.key.value'/);
    assert.ok(unsound.has("host"));
    assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
  });

  it("leave no value of their key in a report, not even of its plain parts", () => {
    const host = JSON.stringify({ kind: "hunter2", key: KEY });
    const { problems } = parseConfig({ active: "blue", host }, new Set(["host"]));
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.got, "a value that is not shown, because the key holds a secret");
    assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
  });

  it("are refused anywhere else", () => {
    const { problems } = parseConfig({ host: JSON.stringify({ kind: "local" }) }, new Set(["host"]));
    assert.deepEqual(
      problems.filter(({ key }) => key === "host").map(({ got }) => got),
      ["a secret"],
    );
  });
});
