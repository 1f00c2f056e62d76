import assert from "node:assert/strict";
import { renderSwitchPlan, switchLimitSeconds } from "../../../components/gateway/switch/switch-plan.ts";
import { askedUrl } from "../../../components/gateway/spec.ts";
import { parseSwitchReport } from "../../../components/gateway/switch/switch-report.ts";
import { JOBS, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const specs = {
  blue: slotSpecOf("blue"),
  green: slotSpecOf("green", { release: "2", images: { api: "app:2" } }),
};

describe("the plan of a switch", () => {
  it("says what the target must be, how it is tested and how long it is watched", () => {
    const settings = settingsOf({
      active: "green",
      canary: "10",
      switch: JSON.stringify({
        smoke: [
          {
            path: "/health?deep=1",
            status: 200,
            json: { "services.database.status": "ok" },
            timeoutSeconds: 3,
          },
        ],
        bakeSeconds: 2,
        maxErrorRate: 0.05,
        minimumRequests: 7,
      }),
    });
    assert.equal(
      renderSwitchPlan({ settings, specs, keep: ["app:1", "app:2"], publicUrl: "http://127.0.0.1:8080" }),
      `target green
canary 10
release.blue 1
release.green 2
released.blue {"release":"1","images":{"api":"app:1"}}
released.green {"release":"2","images":{"api":"app:2"}}
container bluegreen-dev-api-green app:2 2
canaryContainer bluegreen-dev-api-blue app:1 1
smoke path=%2Fhealth%3Fdeep%3D1&status=200&timeout=3&json=%7B%22services.database.status%22%3A%22ok%22%7D
public http://127.0.0.1:8080/health?deep=1
publicTimeoutSeconds 4
healthWaitSeconds 60
smokeWaitSeconds 15
proofWaitSeconds 10
lockWaitSeconds 90
bakeSeconds 2
maxErrorPercent 5
minRequests 7
keep app:1
keep app:2
pruneWaitSeconds 120
`,
    );
  });

  it("says that maintenance is wanted, since when visitors may come again, and by whom", () => {
    const lines = (maintenance: string) =>
      renderSwitchPlan({
        settings: settingsOf({ maintenance }),
        specs,
        keep: [],
        publicUrl: "http://127.0.0.1:8080",
      })
        .split("\n")
        .filter((line) => line.startsWith("maintenance"));
    assert.deepEqual(lines('{"retryAfterSeconds":60,"by":"Anna Ash"}'), ["maintenance 60 Anna Ash"]);
    assert.deepEqual(lines("{}"), ["maintenance 600"]);
  });

  it("names every container that the target has to have", () => {
    const images = { api: "app:2", worker: "jobs:2" };
    const green = slotSpecOf("green", { release: "2", images }, settingsOf(JOBS));
    const settings = settingsOf({ ...JOBS, active: "green" });
    const plan = renderSwitchPlan({
      settings,
      specs: { ...specs, green },
      keep: [],
      publicUrl: askedUrl(settings),
    });
    assert.deepEqual(
      plan.split("\n").filter((line) => line.startsWith("container ")),
      [
        "container bluegreen-dev-api-green app:2 2",
        "container bluegreen-dev-worker-green jobs:2 2",
        "container bluegreen-dev-beat-green jobs:2 2",
      ],
    );
  });

  it("names the containers of the other slot while a canary's visitors are sent there, and only then", () => {
    const images = { api: "app:2", worker: "jobs:2" };
    const green = slotSpecOf("green", { release: "2", images }, settingsOf(JOBS));
    const tried = (canary: string) =>
      renderSwitchPlan({
        settings: settingsOf({ canary }),
        specs: { ...specs, green },
        keep: [],
        publicUrl: "http://127.0.0.1:8080",
      })
        .split("\n")
        .filter((line) => line.startsWith("canaryContainer "));
    assert.deepEqual(tried("10"), [
      "canaryContainer bluegreen-dev-api-green app:2 2",
      "canaryContainer bluegreen-dev-worker-green jobs:2 2",
      "canaryContainer bluegreen-dev-beat-green jobs:2 2",
    ]);
    assert.deepEqual(tried("0"), []);
  });

  it("asks a TLS edge's own name, at the port on the host itself", () => {
    const edge = '{"kind":"cloudflare","zone":"example.com","hostname":"app.example.com","port":8443}';
    const settings = settingsOf({ edge });
    const plan = renderSwitchPlan({ settings, specs, keep: [], publicUrl: askedUrl(settings) });
    assert.match(plan, /^public https:\/\/app\.example\.com\/\nconnect 127\.0\.0\.1:8443$/m);
  });

  it("is bounded in time, bake included, and the checks of both slots in a canary", () => {
    const limit = (bakeSeconds: number, canary = 0) =>
      switchLimitSeconds({
        settings: settingsOf({ canary: String(canary), switch: JSON.stringify({ bakeSeconds }) }),
      });
    assert.equal(limit(100) - limit(0), 100);
    assert.equal(limit(0, 10) - limit(0), 60 + 15 + 5);
  });

  it("cannot be made for a slot without a release", () => {
    assert.throws(
      () =>
        renderSwitchPlan({
          settings: settingsOf(),
          specs: { ...specs, blue: undefined },
          keep: [],
          publicUrl: "",
        }),
      /the slot blue has no release/,
    );
  });
});

describe("the report of a switch", () => {
  it("is read with its times", () => {
    const report = parseSwitchReport(
      "live green\nprevious blue\nflipped true\nswitchedAt 2026-11-21T01:43:08Z\ncheckMs 39\nsmokeMs 29\n" +
        "flipMs 17\nproofMs 29\nbakeMs 1155\ntotalMs 1311\nrequests 5\nerrors 0\n",
    );
    assert.deepEqual(report, {
      live: "green",
      previous: "blue",
      flipped: true,
      switchedAt: "2026-11-21T01:43:08Z",
      checkMs: 39,
      smokeMs: 29,
      flipMs: 17,
      proofMs: 29,
      bakeMs: 1155,
      totalMs: 1311,
      requests: 5,
      errors: 0,
    });
  });

  it("is not believed when it does not name the live colour", () => {
    assert.throws(() => parseSwitchReport("flipped true\n"), /did not say which colour is live/);
  });
});
