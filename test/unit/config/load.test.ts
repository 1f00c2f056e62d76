import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { loadSettings } from "../../../components/config/load.ts";
import { MINIMAL } from "../../support/fixtures.ts";

describe("what the engine hands over", () => {
  const before = pulumi.runtime.allConfig();
  const prefix = `${pulumi.getProject()}:`;
  const load = (values: Readonly<Record<string, string>>, secrets: readonly string[] = []) => {
    const entries = Object.entries({ ...MINIMAL, ...values });
    pulumi.runtime.setAllConfig(
      Object.fromEntries([...entries.map(([key, value]) => [prefix + key, value]), ["other:canary", "101"]]),
      secrets.map((key) => prefix + key),
    );
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
        assert.match(error.message, /bluegreen:environment: got a secret; allowed: plain values only/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
});
