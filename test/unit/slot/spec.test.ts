import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { COLORS, type Color, type Release } from "../../../components/config/schema.ts";
import type { ContainerSpec } from "../../../components/host/container.ts";
import { renderMigration } from "../../../components/slot/migration.ts";
import { JOBS, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const RELEASE = {
  release: "7",
  images: { api: "app:7" },
  migration: { command: ["python", "-m", "app.migrate"], timeoutSeconds: 60 },
};

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

describe("the migration script", () => {
  const { api } = slotSpecOf("green", RELEASE).containers;
  const script = renderMigration({
    directory: "/tmp",
    name: "bluegreen-dev-migration-green",
    command: ["python", "-c", "print('it''s done')", "$HOME"],
    timeoutSeconds: 60,
    container: api,
  });

  it("passes shellcheck", () => {
    execFileSync("shellcheck", ["--shell=sh", "--severity=warning", "-"], { input: script });
  });

  it("runs in the release's image with its settings and its limits", () => {
    for (const part of [
      "--read-only",
      "--cap-drop ALL",
      "--memory 128m",
      "--user 10001:10001",
      "--env RELEASE=7",
      " app:7 ",
    ]) {
      assert.ok(script.includes(part), part);
    }
  });

  it("hands every word on as it is", () => {
    const echo = script
      .replace(/docker run .*? app:7 /, "printf '%s\\n' ")
      .replace(/^.*docker rm.*$/m, "remove() { :; }");
    const output = execFileSync("sh", ["-s"], { input: echo, encoding: "utf8" });
    assert.equal(output, "python\n-c\nprint('it''s done')\n$HOME\n");
  });
});
