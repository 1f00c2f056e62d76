import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { renderCis } from "../../../policy/cis-item.ts";
import { CIS } from "../../../policy/cis.ts";

const PAGE = "docs/security.md";
const [BEGIN, END] = ["<!-- cis: made from policy/cis.ts -->\n", "<!-- cis: end -->\n"];

describe("the container settings of the CIS Docker Benchmark", () => {
  it("are all of section 5, once each and in order", () => {
    const section = CIS.filter(({ id }) => id.startsWith("5.")).map(({ id }) => id);
    assert.deepEqual(
      section,
      Array.from({ length: 32 }, (_, i) => `5.${i + 1}`),
    );
  });

  it("are passed, or have a reason", () => {
    for (const item of CIS) if (item.kind !== "pass") assert.ok(item.reason.length > 20, item.id);
  });

  it("stand in docs/security.md as they are tested (UPDATE_GOLDEN=1 writes them)", () => {
    const page = readFileSync(PAGE, "utf8");
    const [before = "", rest = ""] = page.split(BEGIN);
    const [, after = ""] = rest.split(END);
    const wanted = `${before}${BEGIN}\n${renderCis(CIS)}\n${END}${after}`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(PAGE, wanted);
    assert.equal(readFileSync(PAGE, "utf8"), wanted);
  });

  it("5.23 and 5.24: no script runs anything in a container as root or privileged", () => {
    const scripts = globSync("components/**/*.sh");
    assert.ok(scripts.length > 5);
    for (const script of scripts) {
      const text = readFileSync(script, "utf8");
      assert.doesNotMatch(text, /docker exec[^\n]*(--privileged|--user|-u )/, script);
    }
  });
});
