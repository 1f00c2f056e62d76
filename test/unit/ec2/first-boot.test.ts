import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type FirstBoot, encodeUserData, renderFirstBoot } from "../../../components/host/ec2/first-boot.ts";
import { parseKeyPair } from "../../../components/host/ec2/host-key.ts";

const BOOT: FirstBoot = {
  volumeId: "vol-0123456789abcdef0",
  user: "deploy",
  authorizedKeys: ["ssh-ed25519 AAAAone a@example.com", "ssh-ed25519 AAAAtwo"],
  bootKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nthe key\n-----END OPENSSH PRIVATE KEY-----\n",
  directory: "/var/lib/bluegreen/bluegreen-prod",
  metrics: { region: "eu-central-1", namespace: "Bluegreen", stack: "bluegreen-prod" },
};

describe("an EC2 host's user data", () => {
  it("is one shell script that the shell can read", () => {
    const script = renderFirstBoot(BOOT);
    assert.match(script, /^#!\/bin\/sh\n/);
    const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });

  it("writes its parts for root alone, and then runs the first boot with what this stack says", () => {
    const directory = mkdtempSync(join(tmpdir(), "first-boot-"));
    try {
      const folder = join(directory, "boot");
      // The same text in a folder of the test's, with the last step shown instead of done.
      const script = renderFirstBoot(BOOT)
        .replaceAll("/var/lib/bluegreen-boot", folder)
        .replace(/^exec sh/m, "exec echo sh");
      const { stdout, stderr, status } = spawnSync("sh", { input: script, encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.equal(
        stdout,
        `sh ${folder}/first-boot.sh vol-0123456789abcdef0 deploy /var/lib/bluegreen/bluegreen-prod ` +
          "/var/lib/bluegreen/docker eu-central-1 Bluegreen bluegreen-prod\n",
      );
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      assert.equal(readFileSync(join(folder, "boot_key"), "utf8"), BOOT.bootKey);
      assert.equal(
        readFileSync(join(folder, "authorized_keys"), "utf8"),
        "ssh-ed25519 AAAAone a@example.com\nssh-ed25519 AAAAtwo\n",
      );
      for (const script of ["prepare.sh", "metrics.sh", "first-boot.sh"]) {
        assert.match(readFileSync(join(folder, script), "utf8"), /^#!\/bin\/sh\n/, script);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("does nothing at all when it was cut off on its way", () => {
    const script = renderFirstBoot(BOOT);
    for (const share of [0.2, 0.5, 0.9]) {
      const { status } = spawnSync("sh", ["-n"], {
        input: script.slice(0, Math.floor(script.length * share)),
      });
      assert.notEqual(status, 0, `${share}`);
    }
  });

  it("is compressed to well below what EC2 takes, the same bytes on every deployer's machine", () => {
    const encoded = encodeUserData(renderFirstBoot(BOOT));
    const bytes = Buffer.from(encoded, "base64");
    assert.equal(gunzipSync(bytes).toString(), renderFirstBoot(BOOT));
    assert.ok(bytes.length < 12_000, `${bytes.length} bytes`);
    // No time and no system in the header.
    assert.deepEqual([...bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    assert.equal(encoded, encodeUserData(renderFirstBoot(BOOT)));
  });

  it("is refused where AWS would refuse it", () => {
    const random = randomBytes(20_000).toString("base64");
    assert.throws(() => encodeUserData(random), /EC2 takes 16384/);
  });
});

describe("the key that a machine is born with", () => {
  it("is read from what ssh-keygen wrote, public part without its comment", () => {
    const pair = parseKeyPair(`ecdsa-sha2-nistp256 AAAA boot\n${BOOT.bootKey}`);
    assert.deepEqual(pair, { publicKey: "ecdsa-sha2-nistp256 AAAA", privateKey: BOOT.bootKey });
  });

  it("is shown in no error", () => {
    assert.throws(
      () => parseKeyPair(BOOT.bootKey),
      (error: Error) => {
        assert.doesNotMatch(error.message, /the key/);
        return true;
      },
    );
  });
});
