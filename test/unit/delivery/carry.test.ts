import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { carryOnto } from "../../../delivery/carry.ts";
import { at } from "../../support/json.ts";

const HEAD = "0123456789".repeat(4);
const UPDATE = {
  kind: "update",
  result: "succeeded",
  environment: { "git.head": HEAD },
  config: {
    "bluegreen:active": { value: "green", secret: false },
    "bluegreen:memoryMb": { value: '{"api":128}', objectValue: { api: 128 }, secret: false },
    "bluegreen:secrets": { secret: true },
  },
};
const fileOf = (key: string, secret: string, memoryMb: number) => `secretsprovider: awskms://alias/stack
encryptedkey: ${key}
config:
  bluegreen:active: blue
  bluegreen:memoryMb: { api: ${memoryMb} }
  bluegreen:secrets: { STRIPE_KEY: { secure: "${secret}" } }
`;

describe("the last update, onto a checkout of its commit", () => {
  let folder: string;
  let branch: string;
  let commit: string;
  let env: NodeJS.ProcessEnv;
  const written = (at: string) => readFileSync(join(at, "Pulumi.prod.yaml"), "utf8");
  const answers = (updates: readonly unknown[]) => {
    writeFileSync(join(folder, "history.json"), JSON.stringify(updates));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "carry-"));
    [branch, commit] = [join(folder, "branch"), join(folder, "branch/deployed")];
    mkdirSync(commit, { recursive: true });
    const asked = '[ "$1 $2" = "stack history" ] || exit 64';
    const pulumi = `#!/bin/sh\n${asked}\ncat '${folder}/history.json'\n`;
    writeFileSync(join(folder, "pulumi"), pulumi, { mode: 0o755 });
    env = { ...process.env, PATH: `${folder}:/usr/bin:/bin` };
    answers([UPDATE]);
    writeFileSync(join(branch, "Pulumi.prod.yaml"), fileOf("now", "v1:new", 512));
    writeFileSync(join(commit, "Pulumi.prod.yaml"), fileOf("then", "v1:old", 64));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("brings the secrets that its branch has by now, with what opens them: one was set at a desk and pushed since", async () => {
    const before = written(branch);
    assert.equal(await carryOnto(branch, "prod", env, { folder: commit, ref: "refs/heads/main" }), true);
    assert.deepEqual(parse(written(commit)), {
      secretsprovider: "awskms://alias/stack",
      encryptedkey: "now",
      config: {
        "bluegreen:active": "green",
        "bluegreen:memoryMb": { api: 128 },
        "bluegreen:secrets": { STRIPE_KEY: { secure: "v1:new" } },
      },
    });
    assert.equal(written(branch), before);
  });

  it("leaves its own to the commit of a stack that is another branch's, which knows better", async () => {
    assert.equal(await carryOnto(branch, "prod", env, { folder: commit, ref: "refs/heads/develop" }), true);
    const text: unknown = parse(written(commit));
    assert.equal(at(text, "encryptedkey"), "then");
    assert.equal(at(text, "config", "bluegreen:secrets", "STRIPE_KEY", "secure"), "v1:old");
    assert.deepEqual(at(text, "config", "bluegreen:memoryMb"), { api: 128 });
  });

  it("gives a commit from before the stack's file the branch's", async () => {
    for (const ref of ["refs/heads/main", "refs/heads/develop"]) {
      rmSync(join(commit, "Pulumi.prod.yaml"));
      assert.equal(await carryOnto(branch, "prod", env, { folder: commit, ref }), true);
      assert.equal(at(parse(written(commit)), "encryptedkey"), "now");
    }
  });

  it("is nothing before the first, and needs a checkout to go to", async () => {
    const onto = { folder: commit, ref: "refs/heads/main" };
    answers([]);
    assert.equal(await carryOnto(branch, "prod", env, onto), false);
    assert.equal(written(commit), fileOf("then", "v1:old", 64));
    answers([UPDATE]);
    await assert.rejects(carryOnto(branch, "prod", env, { ...onto, folder: join(folder, "none") }), /ENOENT/);
    assert.equal(existsSync(join(folder, "none")), false);
  });
});
