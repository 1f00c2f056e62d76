import assert from "node:assert/strict";
import {
  exitCode,
  readAptUpgrade,
  readCheck,
  readGitleaks,
  readNpmAudit,
  readPipAudit,
  renderScans,
} from "../../../toolchain/scan/findings.ts";

const REFUSED = "npm error audit endpoint returned an error\n405 Method Not Allowed - POST https://registry…";
const NPM = JSON.stringify({ vulnerabilities: { ws: { severity: "high", range: "<8.17.1" } } });
const PIP = JSON.stringify({ dependencies: [{ name: "h11", version: "0.14.0", vulns: [{ id: "CVE-1" }] }] });
const SKIPPED = JSON.stringify({
  dependencies: [{ name: "h11", skip_reason: "Dependency not found on PyPI" }],
});

describe("the scan", () => {
  it("tells what was found, by package", () => {
    assert.deepEqual(readNpmAudit(NPM), {
      kind: "found",
      what: "npm packages",
      findings: ["ws <8.17.1: high"],
    });
    const pip = readPipAudit(PIP);
    assert.deepEqual(pip.kind === "found" && pip.findings, ["h11 0.14.0: CVE-1"]);
    const apt = readAptUpgrade(
      "nginx:1.30",
      "Inst nginx [1.30.4-1] (1.30.6-1 Debian:sid [amd64])\nConf nginx\n",
    );
    assert.deepEqual(apt.kind === "found" && apt.findings, ["nginx 1.30.4-1: 1.30.6-1 is there"]);
  });

  it("does not take a scanner that could not ask for one that found nothing", () => {
    assert.deepEqual(readNpmAudit(REFUSED), {
      kind: "not asked",
      what: "npm packages",
      why: "405 Method Not Allowed",
    });
    assert.equal(readPipAudit(SKIPPED).kind, "not asked");
    assert.equal(readPipAudit("").kind, "not asked");
    assert.equal(readAptUpgrade("nginx:1.30", undefined).kind, "not asked");
  });

  it("ends with 0 only when everything was asked and nothing found", () => {
    const clean = readNpmAudit('{"vulnerabilities":{}}');
    assert.equal(clean.kind, "clean");
    assert.equal(exitCode([clean]), 0);
    assert.equal(exitCode([clean, readNpmAudit(REFUSED)]), 2);
    assert.equal(exitCode([readNpmAudit(NPM), readNpmAudit(REFUSED)]), 1);
    assert.match(renderScans([clean, readNpmAudit(REFUSED)]), /nothing known\nnpm packages: not asked \(405/);
  });

  it("names a secret by its place, and the checks of the configuration by their lines", () => {
    const leak = { RuleID: "aws-access-token", File: "a.ts", StartLine: 3, Secret: "REDACTED" };
    const found = readGitleaks("secrets", JSON.stringify([leak, { ...leak, Commit: "0123456789abcdef" }]));
    assert.deepEqual(found.kind === "found" && found.findings, [
      "a.ts:3: aws-access-token",
      "a.ts:3 of 0123456789ab: aws-access-token",
    ]);
    assert.equal(readGitleaks("secrets", "[]").kind, "clean");
    assert.equal(readGitleaks("secrets", "fatal: not a git repository").kind, "not asked");
    assert.equal(readCheck("files", true, "3 differences, 0 that may not be").kind, "clean");
    assert.deepEqual(readCheck("files", false, "a\nb\n"), {
      kind: "found",
      what: "files",
      findings: ["a", "b"],
    });
  });
});
