import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { loadSettings } from "../../../components/config/load.ts";
import { MINIMAL } from "../../support/fixtures.ts";

describe("what the engine hands over", () => {
  const before = pulumi.runtime.allConfig();
  const load = (values: Readonly<Record<string, string>>, secrets: readonly string[] = []) => {
    // Other tests name the project.
    const named = (key: string) => `${pulumi.getProject()}:${key}`;
    const config: Record<string, string> = { "other:canary": "101" };
    for (const [key, value] of Object.entries({ ...MINIMAL, ...values })) config[named(key)] = value;
    pulumi.runtime.setAllConfig(config, secrets.map(named));
    return loadSettings(undefined);
  };
  afterEach(() => {
    pulumi.runtime.setAllConfig(before, []);
  });

  it("is read from the project's namespace only", () => {
    assert.equal(load({ canary: "5" }).canary, 5);
  });

  it("is refused where the engine says that it is a secret", () => {
    const environment = { environment: '{"API_KEY":"hunter2"}' };
    assert.equal(load(environment).environment["API_KEY"], "hunter2");
    assert.throws(
      () => load(environment, ["environment"]),
      (error) => {
        assert.ok(error instanceof pulumi.RunError);
        assert.match(error.message, /bluegreen:environment: got a secret; allowed: plain values, but at/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
});
