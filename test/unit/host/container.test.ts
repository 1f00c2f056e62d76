import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { isProtected, postgresSpec, redisSpec, secretsPlan } from "../../../components/data/specs.ts";
import { gatewaySpec } from "../../../components/gateway/spec.ts";
import { duration } from "../../../components/host/container.ts";
import { commandLine, quote } from "../../../components/host/quote.ts";
import { DIRECTORY, NAMES, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const settings = settingsOf();
const around = { settings, names: NAMES, directory: DIRECTORY, startInterval: false };
const containers = {
  api: slotSpecOf("blue").containers.api,
  postgres: postgresSpec(around),
  redis: redisSpec(around),
  gateway: gatewaySpec(settings, NAMES, DIRECTORY, false),
};

describe("every container", () => {
  for (const [name, spec] of Object.entries(containers)) {
    it(`${name} is bounded, unprivileged, read-only, health-checked and waited for`, () => {
      assert.match(spec.user, /^[1-9]\d*:[1-9]\d*$/);
      assert.equal(spec.readOnly, true);
      assert.deepEqual(spec.capabilities, { drops: ["ALL"] });
      assert.deepEqual(spec.securityOpts, ["no-new-privileges:true"]);
      assert.equal(spec.restart, "unless-stopped");
      assert.equal(spec.memory, spec.memorySwap);
      assert.deepEqual(spec.logOpts, { "max-size": "10m", "max-file": "3" });
      assert.equal(spec.wait, true);
      assert.ok(spec.destroyGraceSeconds >= 20);
      assert.ok(spec.healthcheck.tests.length > 1);
      assert.ok(spec.labels.some(({ label, value }) => label === "bluegreen.stack" && value === "dev"));
    });

    it(`${name} holds no secret in environment, command, label or health check`, () => {
      const plain = JSON.stringify([spec.envs, spec.command, spec.labels, spec.healthcheck]);
      // Paths of files may speak of passwords; values may not be there at all.
      assert.doesNotMatch(plain.replaceAll(/\/run\/secrets\/\w+/g, ""), /requirepass|PASSWORD=/);
    });
  }

  it("but the gateway publishes no port", () => {
    const publishing = Object.entries(containers).filter(([, spec]) => spec.ports !== undefined);
    assert.deepEqual(
      publishing.map(([name]) => name),
      ["gateway"],
    );
    assert.deepEqual(containers.gateway.ports, [{ internal: 8080, external: 8080, ip: "127.0.0.1" }]);
  });

  it("probes quickly at its start where the engine can, and seldom after it", () => {
    const { healthcheck } = postgresSpec({ ...around, startInterval: true });
    assert.deepEqual([healthcheck.interval, healthcheck.startInterval], ["10s", "1s"]);
  });

  it("where the engine cannot, probes often only what a release waits for", () => {
    const intervals = Object.entries(containers).map(([name, { healthcheck }]) => [
      name,
      healthcheck.interval,
    ]);
    assert.deepEqual(
      intervals.filter(([, interval]) => interval !== "3s"),
      ["postgres", "redis", "gateway"].map((name) => [name, "5s"]),
    );
    assert.ok(Object.values(containers).every(({ healthcheck }) => !("startInterval" in healthcheck)));
  });
});

describe("durations", () => {
  for (const [seconds, text] of [
    [2, "2s"],
    [60, "1m0s"],
    [90, "1m30s"],
    [3600, "1h0m0s"],
    [3725, "1h2m5s"],
  ] as const) {
    it(`${seconds} s is spelled ${text}, as the engine reads it back`, () => {
      assert.equal(duration(seconds), text);
    });
  }
});

describe("the data containers", () => {
  it("mount the volume where Postgres 18 keeps its data", () => {
    const [volume] = containers.postgres.volumes;
    assert.deepEqual(volume, {
      volumeName: "bluegreen-dev-postgres",
      containerPath: "/var/lib/postgresql",
      readOnly: false,
    });
    const older = postgresSpec({
      ...around,
      settings: settingsOf({ postgres: '{"image":"postgres:17.2"}' }),
    });
    assert.equal(older.volumes[0]?.containerPath, "/var/lib/postgresql/data");
  });

  it("are protected against removal on every host but a local one (invariant 7)", () => {
    assert.equal(isProtected({ kind: "local" }), false);
    assert.equal(isProtected({ kind: "ec2" }), true);
  });

  it("find their passwords in files", () => {
    for (const [spec, name] of [
      [containers.postgres, "postgres"],
      [containers.redis, "redis"],
    ] as const) {
      const secrets = {
        hostPath: `${DIRECTORY}/secrets/${name}`,
        containerPath: "/run/secrets",
        readOnly: true,
      };
      assert.deepEqual(spec.volumes[1], secrets);
    }
  });

  it("spell their start period as the engine reads it back", () => {
    assert.equal(containers.postgres.healthcheck.startPeriod, "1m0s");
  });

  it("give Postgres two minutes to stop", () => {
    assert.equal(containers.postgres.destroyGraceSeconds, 120);
  });

  it("keep Redis append-only and without eviction", () => {
    const command = commandLine(containers.redis.command ?? []);
    assert.match(command, /--appendonly yes .*--maxmemory 38mb --maxmemory-policy noeviction/);
  });

  it("hand each secret to its consumers by name only", () => {
    const release = { user: "10001:10001", passwordVersion: 1, secretSet: 0 };
    assert.match(secretsPlan([release]), /^file api-10001\/database_password 10001 database_password$/m);
  });

  it("hand out every version of the password that a slot logs in with, the first one to Postgres always", () => {
    const plan = secretsPlan([
      { user: "10001:10001", passwordVersion: 2, secretSet: 0 },
      { user: "10001:10001", passwordVersion: 3, secretSet: 4 },
    ]);
    assert.equal(
      plan,
      [
        "generate database_password",
        "generate database_password_2",
        "generate database_password_3",
        "generate redis_password",
        "file postgres/database_password 999 database_password",
        "file postgres/database_password_2 999 database_password_2",
        "file postgres/database_password_3 999 database_password_3",
        "file redis/auth.conf 999 redis_password requirepass",
        "file redis/password 999 redis_password",
        "file api-10001-p2/database_password 10001 database_password_2",
        "file api-10001-p2/redis_password 10001 redis_password",
        "",
      ].join("\n"),
    );
  });
});

describe("a command line", () => {
  it("keeps plain words and quotes the rest", () => {
    assert.equal(commandLine(["a/b.sh", "x y", "it's", "$HOME", ""]), `a/b.sh 'x y' 'it'\\''s' '$HOME' ''`);
  });
});

describe("a quoted word", () => {
  for (const word of ["plain", "two words", "it's", `"$HOME" \`id\` \\ !`, "line\nbreak", ""])
    it(`survives a shell: ${JSON.stringify(word)}`, () => {
      const out = execFileSync("sh", ["-c", `printf %s ${quote(word)}`], { encoding: "utf8" });
      assert.equal(out, word);
    });
});
