import assert from "node:assert/strict";
import type { ContainerSpec } from "../../../components/host/container.ts";
import { COLORS, type Color, type Release } from "../../../components/config/schema.ts";
import { renderMigration } from "../../../components/slot/migration.ts";
import { containersOf } from "../../../components/slot/record.ts";
import { JOBS, WEB, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const MIGRATION: NonNullable<Release["migration"]> = {
  kind: "expand",
  command: ["python", "-m", "app.migrate"],
  timeoutSeconds: 60,
  lockTimeoutSeconds: 3,
  backup: "dump",
  skip: false,
};
const RELEASE = { release: "7", images: { api: "app:7" }, migration: MIGRATION };

describe("a slot's release as it begins", () => {
  const { api } = slotSpecOf("green", RELEASE).containers;

  it("is named and labelled for its stack, colour and release", () => {
    assert.equal(api.name, "bluegreen-dev-api-green");
    assert.deepEqual(api.labels.slice(0, 4), [
      { label: "bluegreen.project", value: "bluegreen" },
      { label: "bluegreen.stack", value: "dev" },
      { label: "bluegreen.color", value: "green" },
      { label: "bluegreen.release", value: "7" },
    ]);
  });

  it("publishes no port and knows no secret but by file", () => {
    assert.equal("ports" in api, false);
    assert.deepEqual(api.volumes, [
      { hostPath: "/srv/bluegreen-dev/secrets/api-10001", containerPath: "/run/secrets", readOnly: true },
    ]);
    assert.deepEqual(
      api.envs.filter((line) => /pass|secret|token/i.test(line)),
      [],
    );
  });

  it("carries a hash of its settings that changes with any of them", () => {
    const hash = (settings = settingsOf()) =>
      slotSpecOf("green", RELEASE, settings).containers.api.labels.at(-1)?.value;
    assert.equal(api.labels.at(-1)?.label, "bluegreen.settings");
    assert.match(hash() ?? "", /^[0-9a-f]{12}$/);
    assert.equal(hash(), hash());
    assert.notEqual(hash(), hash(settingsOf({ environment: '{"LOG_LEVEL":"debug"}' })));
  });

  it("takes the plain settings of the application, and its own over them", () => {
    const settings = settingsOf({ environment: '{"LOG_LEVEL":"debug","COLOR":"red"}' });
    const { envs } = slotSpecOf("green", RELEASE, settings).containers.api;
    assert.ok(envs.includes("LOG_LEVEL=debug"));
    assert.ok(envs.includes("COLOR=green"));
  });
});

describe("the containers of a slot with jobs", () => {
  const slot = (images: Release["images"] = { api: "app:7" }, color: Color = "green") =>
    slotSpecOf(color, { release: "7", images }, settingsOf(JOBS)).containers;
  const volumes = (container: ContainerSpec | undefined) =>
    container?.volumes.map(({ hostPath, containerPath, readOnly }) => [hostPath, containerPath, readOnly]);

  it("have names, labels and hashes of their own, in the API's image, where the release names no other", () => {
    const { api, worker, beat } = slot();
    assert.deepEqual(
      [api, worker, beat].map((one) => [one?.name, one?.image, one?.user]),
      ["api", "worker", "beat"].map((part) => [`bluegreen-dev-${part}-green`, "app:7", "10001:10001"]),
    );
    assert.deepEqual(worker?.labels.slice(0, 4), api.labels.slice(0, 4));
    assert.equal(new Set([api, worker, beat].map((one) => one?.labels.at(-1)?.value)).size, 3);
    const own = slot({ api: "app:7", worker: "jobs:7" });
    assert.deepEqual([own.api.image, own.worker?.image, own.beat?.image], ["app:7", "jobs:7", "jobs:7"]);
  });

  it("share a queue that the other colour does not", () => {
    for (const color of COLORS) {
      const queues = Object.values(slot(undefined, color)).map(({ envs }) =>
        envs.find((line) => line.startsWith("QUEUE=")),
      );
      assert.deepEqual(
        queues,
        [1, 2, 3].map(() => `QUEUE=jobs-${color}`),
      );
    }
    assert.ok(!slotSpecOf("green").containers.api.envs.some((line) => line.startsWith("QUEUE=")));
  });

  it("read the same secrets; the beat's mounts what both colours' share beside them", () => {
    const { api, worker, beat } = slot();
    assert.deepEqual(worker?.volumes, api.volumes);
    assert.deepEqual(volumes(beat), [
      ...(volumes(api) ?? []),
      ["/srv/bluegreen-dev/bin", "/run/bluegreen/bin", true],
      ["/srv/bluegreen-dev/gateway/conf", "/run/bluegreen/gateway", true],
      ["/srv/bluegreen-dev/beat", "/run/bluegreen/beat", false],
    ]);
  });

  it("run the worker's command as it is, and the beat's by our script", () => {
    const { api, worker, beat } = slot();
    assert.equal(api.command, undefined);
    assert.deepEqual(worker?.command, ["celery", "-A", "app", "worker"]);
    assert.deepEqual(beat?.command, [
      "sh",
      "/run/bluegreen/bin/only-when-live.sh",
      "green",
      "/run/bluegreen/gateway/start",
      "/run/bluegreen/beat",
      "celery",
      "-A",
      "app",
      "beat",
    ]);
    assert.ok(beat.envs.includes("BEAT_FOLDER=/run/bluegreen/beat"));
  });

  it("give jobs in progress the worker's grace", () => {
    const worker = '{"command":["w"],"graceSeconds":300,"healthcheck":["CMD","check"],"startSeconds":7}';
    const { containers } = slotSpecOf("blue", RELEASE, settingsOf({ worker }));
    assert.deepEqual([containers.worker?.stopTimeout, containers.worker?.stopSignal], [300, "SIGTERM"]);
    assert.deepEqual(containers.worker?.healthcheck.tests, ["CMD", "check"]);
    assert.equal(containers.beat, undefined);
  });
});

describe("the web server of a slot", () => {
  const images = { api: "app:7", web: "web:7" };
  const spec = slotSpecOf("green", { release: "7", images }, settingsOf({ ...JOBS, ...WEB }));

  it("knows its colour and release, and nothing of the data", () => {
    const { web } = spec.containers;
    assert.deepEqual([web?.name, web?.image, web?.user], ["bluegreen-dev-web-green", "web:7", "101:101"]);
    assert.deepEqual(web?.envs, ["COLOR=green", "RELEASE=7"]);
    assert.deepEqual(web.volumes, []);
    assert.deepEqual(spec.apiPaths, ["/api", "/health"]);
  });

  it("stands between API and worker, in the order of all that asks about a slot", () => {
    const parts = containersOf(spec).map(({ name }) => name.split("-")[2]);
    assert.deepEqual(parts, ["api", "web", "worker", "beat"]);
  });
});

describe("the plan of a migration", () => {
  const { api } = slotSpecOf("green", RELEASE).containers;
  const step = {
    color: "green",
    release: "7",
    name: "migration",
    postgres: "postgres",
    container: api,
  } as const;

  it("says what migrate.sh has to know", () => {
    const plan = renderMigration({ ...step, migration: MIGRATION }) ?? "";
    assert.deepEqual(plan.split("\n").slice(0, 8), [
      "color green",
      "release 7",
      "kind expand",
      "worksWith []",
      "postgres postgres",
      "name migration",
      "timeoutSeconds 60",
      "backup dump",
    ]);
  });

  it("runs in the release's image with its settings, its limits and a limit for waiting", () => {
    const plan = renderMigration({ ...step, migration: { ...MIGRATION, lockTimeoutSeconds: 7 } }) ?? "";
    for (const part of [
      "--read-only",
      "--cap-drop ALL",
      "--memory 128m",
      "--user 10001:10001",
      "--env RELEASE=7",
      "--env 'PGOPTIONS=-c lock_timeout=7000 -c statement_timeout=60000 -c client_connection_check_interval=1000'",
      "app:7 python -m app.migrate",
    ]) {
      assert.ok(plan.includes(part), part);
    }
  });

  it("names the releases that a contract goes on working with", () => {
    assert.match(
      renderMigration({ ...step, migration: { ...MIGRATION, kind: "contract", worksWith: ["6"] } }) ?? "",
      /^kind contract\nworksWith \["6"\]$/m,
    );
  });

  it("is none for a way back", () => {
    assert.equal(renderMigration({ ...step, migration: { ...MIGRATION, skip: true } }), null);
  });
});
