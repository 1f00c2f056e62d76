import assert from "node:assert/strict";
import { checkAcrossKeys } from "../../../components/config/rules.ts";
import { parseConfig } from "../../../components/config/parse.ts";
import { contractAfter } from "../../../components/slot/contract.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import { recordOf, settingsOf } from "../../support/fixtures.ts";

const contract = (worksWith: readonly string[], skip = false): string =>
  JSON.stringify({
    release: "3",
    images: { api: "app:3" },
    migration: { kind: "contract", command: ["migrate"], worksWith, skip },
  });

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
    const after = contractAfter(settingsOf({ green: contract(["1"]) }), previous);
    assert.deepEqual(after, { release: "3", breaks: ["2"] });
    assert.deepEqual(contractAfter(settingsOf(), recordOf({ contract: { release: "1", breaks: ["0"] } })), {
      release: "1",
      breaks: ["0"],
    });
  });
});
