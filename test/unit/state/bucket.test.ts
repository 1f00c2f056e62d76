import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../support/process.ts";

// Run against moto's S3 and KMS by hand, twice in a row (docs/state.md); here against a stand-in that writes down what it
// is asked: what the script asks for is its whole work.
const STAND_IN = `#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  *get-caller-identity*) echo 123456789012 ;;
  *head-bucket*) [ "$EXISTS" = yes ] ;;
  *list-aliases*)
    [ "$KMS" = answers ] || exit 254
    [ "$EXISTS" = no ] || echo alias/bluegreen ;;
  *create-key*) echo 0000-1111 ;;
esac
`;

describe("toolchain/state/bucket.sh", () => {
  let folder: string;
  let kms: "answers" | "is not allowed";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bucket-"));
    kms = "answers";
    writeFileSync(join(folder, "aws"), STAND_IN);
    chmodSync(join(folder, "aws"), 0o755);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function bucket(exists: boolean, ...words: string[]) {
    const calls = join(folder, "calls");
    writeFileSync(calls, "");
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env["PATH"] ?? ""}`,
      CALLS: calls,
      EXISTS: exists ? "yes" : "no",
      KMS: kms,
    };
    const result = await run("toolchain/state/bucket.sh", words, { env });
    return { ...result, calls: readFileSync(calls, "utf8") };
  }

  it("passes shellcheck", async () => {
    const { code, output } = await run("shellcheck", ["toolchain/state/bucket.sh"]);
    assert.equal(code, 0, output);
  });

  it("makes a bucket with versions, encryption and no way in from outside, and says what to type next", async () => {
    const { code, stdout, stderr, calls } = await bucket(false, "team-state", "eu-central-1");
    assert.equal(code, 0, stderr);
    assert.match(calls, /create-bucket --bucket team-state .*LocationConstraint=eu-central-1/);
    assert.match(calls, /put-bucket-versioning --bucket team-state .*Status=Enabled/);
    assert.match(calls, /put-bucket-encryption .*AES256/);
    assert.match(
      calls,
      /BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true/,
    );
    assert.match(calls, /"aws:SecureTransport": "false"/);
    assert.doesNotMatch(calls, /kms|delete/);
    assert.match(stdout, /^ {2}PULUMI_BACKEND_URL='s3:\/\/team-state\?region=eu-central-1'$/m);
  });

  it("makes nothing that is there already, and puts its settings right", async () => {
    const { code, calls } = await bucket(true, "team-state", "eu-central-1", "alias/bluegreen");
    assert.equal(code, 0);
    assert.doesNotMatch(calls, /create-/);
    assert.match(calls, /put-bucket-versioning/);
  });

  it("names no location in the first region, which refuses it", async () => {
    const { calls } = await bucket(false, "team-state", "us-east-1");
    assert.match(calls, /create-bucket --bucket team-state$/m);
  });

  it("makes a key that is rotated, where one is asked for", async () => {
    const { stdout, calls } = await bucket(false, "team-state", "eu-central-1", "alias/bluegreen");
    assert.match(calls, /create-alias --alias-name alias\/bluegreen --target-key-id 0000-1111/);
    assert.match(calls, /enable-key-rotation/);
    assert.match(stdout, /--secrets-provider 'awskms:\/\/alias\/bluegreen\?region=eu-central-1'/);
  });

  it("makes no second key when it cannot ask for the first", async () => {
    kms = "is not allowed";
    const { code, stderr, calls } = await bucket(true, "team-state", "eu-central-1", "alias/bluegreen");
    assert.notEqual(code, 0);
    assert.match(stderr, /kms:ListAliases.*no key was made/);
    assert.doesNotMatch(calls, /create-key/);
  });

  it("says what is missing", async () => {
    assert.match((await bucket(true, "team-state")).stderr, /allowed: BUCKET REGION/);
    assert.match((await bucket(true, "b", "r", "key")).stderr, /got "key" for the key; allowed: alias\//);
  });
});
