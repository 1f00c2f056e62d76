import assert from "node:assert/strict";
import { checkAcrossKeys } from "../../../components/config/rules.ts";
import { parseConfig } from "../../../components/config/parse.ts";
import { checkContracted } from "../../../components/config/contract-rules.ts";
import { contractAfter } from "../../../components/slot/contract.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import { recordOf, settingsOf } from "../../support/fixtures.ts";

const contract = (worksWith: readonly string[], skip = false): string =>
  JSON.stringify({
    release: "3",
    images: { api: "app:3" },
    migration: { kind: "contract", command: ["migrate"], worksWith, skip },
  });

const AT = "2026-01-05T00:00:00Z";

/** The problems of a config that differs from what runs in these keys. */
function problems(
  change: Readonly<Record<string, string>>,
  previous: StackRecord = recordOf(),
): readonly string[] {
  const base = {
    active: "blue",
    blue: '{"release":"1","images":{"api":"app:1"},"migration":{"command":["migrate"]}}',
    green: '{"release":"2","images":{"api":"app:2"},"migration":{"command":["migrate"]}}',
    host: '{"kind":"local"}',
  };
  const found = checkAcrossKeys(parseConfig({ ...base, ...change }), previous, 4096);
  return found.map(({ key, got }) => `${key}: ${got}`);
}

describe("a contract migration", () => {
  it("asks that the live release works without what goes away", () => {
    assert.deepEqual(problems({ green: contract(["0"]) }), ['green.migration.worksWith: ["0"]']);
    assert.deepEqual(problems({ green: contract(["1"]) }), []);
  });

  it("is mended by taking the release out, not by calling the migration something else", () => {
    const config = parseConfig({
      ...{ active: "blue", host: '{"kind":"local"}', green: contract(["0"]) },
      blue: '{"release":"1","images":{"api":"app:1"}}',
    });
    const [problem] = checkAcrossKeys(config, recordOf(), 4096);
    assert.equal(
      problem?.fix,
      "pulumi config rm 'green' && pulumi config set --path --type string 'green.release' '2' && pulumi config set --path 'green.images.api' 'app:2'",
    );
  });

  it("is no question where it ran before", () => {
    assert.deepEqual(problems({ green: contract(["0"], true) }), []);
  });

  it("leaves no way back to what it broke, released again or still warm", () => {
    const previous = recordOf({ contract: { release: "1", breaks: ["0", "2"] } });
    assert.deepEqual(problems({ active: "green" }, previous), ['active: "green", and green runs release 2']);
    assert.deepEqual(problems({ canary: "10" }, previous), ["canary: 10, and green runs release 2"]);
    assert.deepEqual(problems({ green: '{"release":"0","images":{"api":"app:0"}}' }, previous), [
      'green.release: "0"',
    ]);
    assert.deepEqual(problems({}, previous), [], "what only stands there is no problem");
  });

  it("is remembered with all that it breaks, until the next", () => {
    const previous = recordOf();
    const after = contractAfter(settingsOf({ green: contract(["1"]) }), previous, {});
    assert.deepEqual(after, { release: "3", breaks: ["2"] });
    const contracted = { release: "1", breaks: ["0"] };
    assert.deepEqual(contractAfter(settingsOf(), recordOf({ contract: contracted }), {}), contracted);
  });

  describe("of which only the host knows", () => {
    const seen = (contracted: string, contract?: StackRecord["contract"]) =>
      checkContracted(settingsOf({ active: "green" }), recordOf(contract && { contract }), { contracted });

    it("closes the way back to what was there, but for what works", () => {
      const [problem, ...more] = seen(`${AT} 3 3 1`);
      assert.deepEqual(more, []);
      assert.deepEqual([problem?.key, problem?.got], ["active", '"green", and green runs release 2']);
      assert.match(problem?.allowed ?? "", /the migration of "3" took away/);
      assert.equal(problem?.fix, "pulumi config set 'active' 'blue'");
      assert.deepEqual(seen(`${AT} 3 3 1 2`), []);
    });

    it("is no question where the state knows of it, or of a later one", () => {
      for (const at of [AT, "2026-02-01T00:00:00Z"])
        assert.deepEqual(seen(`${AT} 3 3 1`, { release: "3", breaks: [], at }), []);
    });

    it("leaves in peace what serves, and what only stands there", () => {
      const contracts = { contracted: `${AT} 3 3`, contracting: `${AT} 4 4` };
      assert.deepEqual(checkContracted(settingsOf(), recordOf(), contracts), []);
      assert.deepEqual(checkContracted(settingsOf(), undefined, contracts), []);
    });

    it("is remembered by the next run that ends well", () => {
      const contracted = `${AT} 3 3 1`;
      const record = { release: "3", breaks: ["2"], at: AT };
      assert.deepEqual(contractAfter(settingsOf(), recordOf(), { contracted }), record);
      const next = contractAfter(settingsOf({ green: contract(["1"]) }), recordOf(), { contracted });
      assert.deepEqual(next, { ...record, release: "3" });
    });

    it("counts while nobody knows how it ended, and is not remembered", () => {
      const contracting = `${AT} 3 3 1`;
      const [problem] = checkContracted(settingsOf({ active: "green" }), recordOf(), { contracting });
      assert.match(problem?.allowed ?? "", /may have taken away before it was cut off/);
      assert.equal(contractAfter(settingsOf(), recordOf(), {}), undefined);
    });

    it("ran by hand: its own release works only where it is named", () => {
      const settings = settingsOf({ active: "green" });
      const downwards = { contracted: `${AT} 2 1` };
      assert.deepEqual(
        checkContracted(settings, recordOf(), downwards).map(({ key }) => key),
        ["active"],
      );
      // What an earlier one took away is there again.
      const contract = { release: "3", breaks: ["0", "1"], at: "2025-12-01T00:00:00Z" };
      assert.deepEqual(contractAfter(settings, recordOf({ contract }), { contracted: `${AT} 3 0 1` }), {
        release: "3",
        breaks: ["2"],
        at: AT,
      });
    });
  });
});
