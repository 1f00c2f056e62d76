import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { renderMigration } from "../../../components/slot/migration.ts";
import { settingsOf, slotSpecOf } from "../../support/fixtures.ts";

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
