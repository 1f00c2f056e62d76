import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ALLOWED } from "../../../toolchain/compare/allowed.ts";
import { compareStacks, renderDifferences } from "../../../toolchain/compare/compare.ts";
import { readStackFile } from "../../../toolchain/compare/stack-file.ts";
import { afterCommands } from "../../support/after-commands.ts";
import { atFirst } from "../../support/stack-file.ts";

const FILE = `
encryptionsalt: v1:abc
config:
  pulumi:disable-default-providers: [docker]
  bluegreen:active: blue
  bluegreen:blue: { release: "1", images: { api: app:1 } }
  bluegreen:host: { kind: local }
`;

function settingsIn(more: string): Readonly<Record<string, unknown>> {
  const file = readStackFile(FILE + more, "dev", "bluegreen");
  assert.equal(file.kind, "read", JSON.stringify(file));
  return file.settings;
}

/** The paths that may not differ between stacks whose files have these lines on top of the same ones. */
function refused(...more: string[]): string[] {
  const stacks = Object.fromEntries(more.map((lines, i) => [`stack${i}`, settingsIn(lines)]));
  return compareStacks(stacks, ALLOWED)
    .filter(({ reason }) => reason === undefined)
    .map(({ path }) => path);
}

describe("the comparison of the stacks", () => {
  it("finds nothing between the same settings, whether a file says a default or leaves it out", () => {
    assert.deepEqual(refused("", "  bluegreen:canary: 0\n  bluegreen:redis: { image: redis:8 }\n"), []);
  });

  it("refuses another version of Postgres, another smoke test, another time for a start", () => {
    assert.deepEqual(refused("", "  bluegreen:postgres: { image: postgres:17 }\n"), ["postgres.image"]);
    assert.deepEqual(refused("", '  bluegreen:switch: { smoke: [{ path: "/x" }] }\n'), ["switch.smoke"]);
    assert.deepEqual(refused("", "  bluegreen:api: { startSeconds: 31 }\n"), ["api.startSeconds"]);
  });

  it("refuses a setting of the application that one stack lacks, and a secret, by name", () => {
    assert.deepEqual(refused("", "  bluegreen:environment: { LOG_LEVEL: debug }\n"), [
      "environment.LOG_LEVEL",
    ]);
    const secrets = '  bluegreen:secrets: { STRIPE_KEY: { secure: "v1:x" } }\n';
    assert.deepEqual(refused("", secrets), ["secrets.STRIPE_KEY"]);
    assert.deepEqual(refused(secrets, secrets.replace("v1:x", "v1:y")), []);
  });

  it("refuses what belongs to Pulumi itself", () => {
    assert.deepEqual(refused("", "  aws:defaultTags: { tags: { a: b } }\n"), ["aws:defaultTags"]);
  });

  it("lets a slot be empty, and still compares those that are not", () => {
    const green = (seconds: string) =>
      `  bluegreen:green: { release: "2", images: { api: app:2 }, migration: { command: [${seconds}] } }\n`;
    assert.deepEqual(refused("", green("a")), []);
    assert.deepEqual(refused("", green("a"), green("b")), ["green.migration.command"]);
  });

  it("has nothing against a stack that the command line deployed to, went back in and closed for maintenance", () => {
    const text = FILE.replace("api: app:1 }", "api: app:1 }, migration: { command: [migrate] }");
    const read = (file: string) => {
      const read = readStackFile(file, "dev", "bluegreen");
      assert.equal(read.kind, "read", JSON.stringify(read));
      return read.settings;
    };
    const stacks = { dev: read(afterCommands("dev", text)), prod: read(atFirst("prod", text)) };
    const found = compareStacks(stacks, ALLOWED);
    const paths = found.map(({ path }) => path);
    const written = ["by", "commit", "migration.kind", "migration.skip", "migration.worksWith"];
    for (const path of ["maintenance", ...written.map((key) => `blue.${key}`)])
      assert.ok(paths.includes(path), path);
    assert.deepEqual(
      found.flatMap(({ path, reason }) => (reason === undefined ? [path] : [])),
      [],
    );
  });

  it("says for each allowed difference why, and for each other one what to do", () => {
    const found = compareStacks(
      {
        dev: settingsIn("  bluegreen:canary: 5\n"),
        prod: settingsIn("  bluegreen:redis: { image: redis:7 }\n"),
      },
      ALLOWED,
    );
    const text = renderDifferences(found);
    assert.match(text, /may differ:\n {2}canary: each stack sends .*\n {6}dev +5\n {6}prod +0\n/);
    assert.match(
      text,
      /may not differ:\n {2}redis.image\n {6}dev +"redis:8"\n {6}prod +"redis:7"\n {4}fix: set/,
    );
  });

  it("has a reason for each allowance", () => {
    for (const { path, reason } of ALLOWED) assert.ok(reason.length > 15, path);
  });
});

describe("a stack's file, read without its key", () => {
  it("is refused with a plain value beside an encrypted secret, and the value is not shown", () => {
    const secrets = "  bluegreen:secrets: { A: { secure: v1:x }, B: hunter2 }\n";
    const file = readStackFile(FILE + secrets, "prod", "bluegreen");
    assert.equal(file.kind, "wrong");
    assert.match(file.report, /bluegreen:secrets.B: got a plain value/);
    assert.match(file.report, /pulumi config set --stack prod --secret --path 'secrets.B'/);
    assert.doesNotMatch(file.report, /hunter2/);
  });

  it("is refused with the program's own report where a setting is wrong", () => {
    const file = readStackFile(`${FILE}  bluegreen:canary: 101\n`, "prod", "bluegreen");
    assert.equal(file.kind, "wrong");
    assert.match(file.report, /bluegreen:canary: got 101; allowed: a whole number/);
  });

  for (const stack of ["dev", "staging", "prod"]) {
    it(`of ${stack} is sound`, () => {
      const file = readStackFile(readFileSync(`Pulumi.${stack}.yaml`, "utf8"), stack, "bluegreen");
      assert.equal(file.kind, "read", JSON.stringify(file));
    });
  }
});
