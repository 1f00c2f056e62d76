import assert from "node:assert/strict";
import { ageOf } from "../../../release/show/time.ts";
import { nextSteps, strangersMessage } from "../../../toolchain/setup/dev.ts";
import { removalCommands } from "../../../toolchain/setup/docker.ts";
import { checkRelease } from "../../../toolchain/setup/sample.ts";
import { parseLines } from "../../../components/host/observation.ts";
import { type Row, renderStatus } from "../../../toolchain/setup/status.ts";
import { closingLine, countResults, failureNames, failureText } from "../../../toolchain/setup/summary.ts";

describe("countResults", () => {
  it("counts mocha's lines, coloured or not", () => {
    const text = "  ok 3 passing things\n\n\u001b[32m  12 passing\u001b[0m (3s)\n  2 failing\n";
    assert.deepEqual(countResults(text, 2), { passed: 12, failed: 2 });
  });
  it("counts pytest's line, in both its forms", () => {
    assert.deepEqual(countResults("40 passed in 1.20s\n", 0), { passed: 40, failed: 0 });
    const text = "==== 1 failed, 3 passed, 2 errors in 0.50s ====\n";
    assert.deepEqual(countResults(text, 1), { passed: 3, failed: 3 });
  });
  it("takes a run that counts nothing as one", () => {
    assert.deepEqual(countResults("", 0), { passed: 1, failed: 0 });
    assert.deepEqual(countResults("Cannot find module", 1), { passed: 0, failed: 1 });
  });
  it("believes the exit code against the count", () => {
    assert.deepEqual(countResults("  5 passing (1s)\n", 1), { passed: 5, failed: 1 });
  });
});

describe("failureText", () => {
  it("is mocha's list of failures, without what passed, as long as asked for", () => {
    const text =
      "  ok 1\n\n\u001b[32m  12 passing\u001b[0m (3s)\n\u001b[31m  1 failing\u001b[0m\n\n  1) a flip\n       loses none:\n     Error: 2\n";
    assert.equal(failureText(text), "  1 failing\n\n  1) a flip\n       loses none:\n     Error: 2");
    assert.equal(failureText(text, 3), "  1 failing\n\n  1) a flip");
  });
  it("is the end of what no list comes from", () => {
    assert.equal(
      failureText("npm begins\na.ts: no such type\nb.ts: unused\n", 2),
      "a.ts: no such type\nb.ts: unused",
    );
  });
});

describe("failureNames", () => {
  it("is a line for each test that failed, of mocha and of pytest", () => {
    const mocha =
      "  12 passing (3s)\n\u001b[31m  2 failing\u001b[0m\n\n  1) a flip\n       loses none:\n     Error: 2\n  at x\n\n" +
      '  2) a way back\n       "before all" hook for "is quick":\n\n      AssertionError: 1) no\n      + a:\n';
    const names = ["a flip › loses none", 'a way back › "before all" hook for "is quick"'];
    assert.deepEqual(failureNames(mocha), names);
    assert.deepEqual(failureNames(mocha, 8), ["a flip …", "a way b…"]);
    const pytest =
      "FAILED tests/test_work.py::test_stop - assert 1 == 2\n=== 1 failed, 3 passed in 0.50s ===\n";
    assert.deepEqual(failureNames(pytest), ["tests/test_work.py::test_stop"]);
    assert.deepEqual(failureNames("a.ts: no such type\n"), []);
  });
});

describe("closingLine", () => {
  it("sums up", () => {
    assert.equal(
      closingLine([
        { passed: 3, failed: 0 },
        { passed: 4, failed: 2 },
      ]),
      "7 passed, 2 failed",
    );
  });
});

describe("status", () => {
  const row = (name: string, release: string, standIn = false): Row => ({
    name: `bluegreen-dev-${name}`,
    release,
    health: "healthy",
    age: "3 min",
    memory: "50MiB",
    standIn,
  });
  it("marks the live slot by the gateway's word, and stand-ins", () => {
    const state = parseLines("live green\ncanary 5\nrelease.blue 1\n");
    const text = renderStatus("http://x", state, [
      row("api-blue", "1"),
      row("api-green", "2"),
      row("redis", "", true),
    ]);
    assert.match(text, /live {2}green, and 5 % of/);
    assert.match(text, /api-green +2 .*← live$/m);
    assert.doesNotMatch(text, /api-blue.*live/);
    assert.match(text, /redis .*stand-in image$/m);
  });
  it("says so when the gateway does not answer, and when there is nothing", () => {
    assert.match(
      renderStatus("", undefined, [row("api-blue", "1")]),
      /unknown \(the gateway does not answer\)/,
    );
    assert.match(renderStatus("", undefined, []), /make dev/);
  });
  it("gives ages in a unit that fits", () => {
    assert.deepEqual([5e3, 119e3, 120e3, 7200e3, 200_000e3].map(ageOf), [
      "5 s",
      "119 s",
      "2 min",
      "2 h",
      "2 d",
    ]);
  });
});

describe("dev", () => {
  const slots = { blue: { release: "1" }, green: { release: "4" } };
  it("tells how to release onto the idle slot, flip and roll back", () => {
    const text = nextSteps({ url: "http://x", live: "green", releases: slots });
    assert.match(text, /make image RELEASE=5/);
    assert.match(
      text,
      /npx bluegreen deploy --image api=bluegreen-sample-api:5 web=bluegreen-sample-web:5\n.*npx bluegreen rollback/,
    );
    assert.match(text, /--path blue\.images\.web bluegreen-sample-web:5\n/);
    assert.match(text, /--path blue\.release 5 /);
    assert.match(text, /Flip to it:\n.*set active blue/);
    assert.match(text, /Roll back:\n.*set active green/);
  });
  it("names what a stranger left, and the commands that remove it, volumes last", () => {
    const found = {
      containers: ["bluegreen-dev-redis"],
      networks: ["bluegreen-dev"],
      volumes: ["bluegreen-dev-redis"],
    };
    const text = strangersMessage(found, "file:///s");
    const order = ["docker rm --force bluegreen-dev-redis", "docker network rm", "docker volume rm"];
    const places = order.map((command) => text.indexOf(command));
    assert.ok(
      places.every((place, i) => place > (places[i - 1] ?? 0)),
      text,
    );
  });
  it("has no command for what is not there", () => {
    assert.deepEqual(removalCommands({ containers: [], networks: [], volumes: ["v"] }), [
      ["docker", "volume", "rm", "v"],
    ]);
  });
});

describe("checkRelease", () => {
  for (const release of ["3", "2026-01", "v1.2_x"])
    it(`takes ${release}`, () => {
      assert.equal(checkRelease(release), release);
    });
  for (const release of ["", "a b", "-x", "x;y", "a".repeat(65)])
    it(`refuses "${release}"`, () => {
      assert.throws(() => checkRelease(release), /make image RELEASE=3/);
    });
});
