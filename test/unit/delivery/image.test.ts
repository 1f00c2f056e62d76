import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { judgeAnswer, judgeMissing, judgePage, smokeChecksOf } from "../../../delivery/image/checks.ts";
import { deliveriesOf } from "../../../delivery/image/sample.ts";
import { buildWords, imageName, pushedReference, tagged } from "../../../delivery/image/reference.ts";
import { judgeUpdates, readAccepted } from "../../../delivery/image/accepted.ts";
import { securityUpdates } from "../../../delivery/image/scan.ts";
import { hardened } from "../../../delivery/image/trial.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const NAME = imageName("ghcr.io/Owner/Name/api", COMMIT);
const DIGEST = `sha256:${"a".repeat(64)}`;

describe("an image's name", () => {
  it("is the repository in small letters, tagged by the whole commit", () => {
    assert.equal(tagged(NAME), `ghcr.io/owner/name/api:${COMMIT}`);
    assert.equal(imageName("127.0.0.1:5000/api", COMMIT).repository, "127.0.0.1:5000/api");
  });
  for (const bad of ["api", "ghcr.io/", "ghcr.io/a b", "ghcr.io/a;b", "ghcr.io/a:tag", "-x/a"])
    it(`is not made of "${bad}"`, () => {
      assert.throws(() => imageName(bad, COMMIT), /got the repository/);
    });
  for (const bad of ["", "0123456", `${COMMIT}0`, "main"])
    it(`takes no commit "${bad}"`, () => {
      assert.throws(() => imageName("ghcr.io/a", bad), /got the commit/);
    });
  it("comes back by digest, from its own repository alone", () => {
    const others = [`other/api@${DIGEST}`, `${NAME.repository}@${DIGEST}`];
    assert.equal(pushedReference(NAME, JSON.stringify(others)), `ghcr.io/owner/name/api@${DIGEST}`);
    for (const bad of [
      "null",
      "[]",
      JSON.stringify([`${NAME.repository}@${DIGEST}`, `${NAME.repository}@sha256:${"b".repeat(64)}`]),
    ])
      assert.throws(() => pushedReference(NAME, bad), /digests of ghcr/);
  });
});

describe("an image's build", () => {
  it("names its commit, and uses the registry's layers where there are some", () => {
    const here = buildWords(NAME, "sample/api", { kind: "engine" });
    assert.deepEqual(here.slice(0, 3), ["build", "--build-arg", "RELEASE=0123456789ab"]);
    assert.ok(here.includes(`org.opencontainers.image.revision=${COMMIT}`));
    const there = buildWords(NAME, "sample/api", { kind: "registry", reference: "ghcr.io/a/api:cache" });
    assert.deepEqual(there.slice(0, 4), ["buildx", "build", "--pull", "--load"]);
    assert.ok(there.includes("type=registry,ref=ghcr.io/a/api:cache"));
    assert.deepEqual(there.slice(-3), ["--tag", tagged(NAME), "sample/api"]);
  });
});

describe("the smoke test's checks", () => {
  const check = {
    path: "/health",
    status: 200,
    json: { "services.database.status": "ok" },
    timeoutSeconds: 5,
  };
  const prod = readFileSync("Pulumi.prod.yaml", "utf8");
  it("are those of the stack's file, each asked of the image that visitors would meet there", () => {
    const { api, web } = smokeChecksOf(prod);
    assert.deepEqual(api.checks[0], check);
    assert.deepEqual(
      api.checks.map(({ path }) => path),
      ["/health", "/version"],
    );
    assert.deepEqual([web?.user, web?.checks.map(({ path }) => path)], ["101:101", ["/"]]);
  });
  it("are the schema's where the file has none, and so are the slots' limits of memory", () => {
    const file = (config: object) => smokeChecksOf(JSON.stringify({ config }));
    const own = [{ path: "/", status: 200, timeoutSeconds: 5 }];
    assert.deepEqual(file({}), { api: { memoryMb: 128, checks: own }, web: undefined });
    assert.deepEqual(file({ "bluegreen:switch": { bakeSeconds: 30 } }).api.checks, own);
    const pages = { "bluegreen:web": { apiPaths: ["/api"] }, "bluegreen:memoryMb": { api: 256, web: 48 } };
    assert.deepEqual(file(pages), {
      api: { memoryMb: 256, checks: [] },
      web: { memoryMb: 48, user: "101:101", checks: own },
    });
  });
  it("are asked of a container that has no more memory than in a slot", () => {
    assert.deepEqual(hardened(96).slice(0, 4), ["--memory", "96m", "--memory-swap", "96m"]);
  });
  it("go to the API below its paths, whatever is asked there, and to it alone where there is no web server", () => {
    const smoke = ["/api", "/api/x", "/api?a=1", "/apiary", "/x?/api"].map((path) => ({ path, status: 200 }));
    const file = (web: object) => JSON.stringify({ config: { "bluegreen:switch": { smoke }, ...web } });
    const { api, web } = smokeChecksOf(file({ "bluegreen:web": { apiPaths: ["/api"] } }));
    assert.deepEqual(
      api.checks.map(({ path }) => path),
      ["/api", "/api/x", "/api?a=1"],
    );
    assert.deepEqual(
      web?.checks.map(({ path }) => path),
      ["/apiary", "/x?/api"],
    );
    const alone = smokeChecksOf(file({}));
    assert.deepEqual([alone.api.checks.length, alone.web], [5, undefined]);
  });
  it("are asked of every image of a release, which has a repository of its own", () => {
    const to = { repository: "ghcr.io/Owner/Name", commit: COMMIT, cacheTag: "cache" };
    const names = (text: string) => deliveriesOf(text, to).map(({ part, name }) => `${part} ${tagged(name)}`);
    const [api, web] = ["api", "web"].map((part) => `${part} ghcr.io/owner/name/${part}:${COMMIT}`);
    assert.deepEqual(names(prod), [api, web]);
    assert.deepEqual(names(prod.replace(/^\s+bluegreen:web: .*$/m, "")), [api]);
    assert.deepEqual(
      deliveriesOf(prod, to).map(({ cache }) => cache),
      ["api", "web"].map((part) => ({ kind: "registry", reference: `ghcr.io/owner/name/${part}:cache` })),
    );
  });
  for (const [status, cacheControl, problem] of [
    [200, "no-cache", undefined],
    [200, "private, No-Store", undefined],
    [404, "no-cache", "/ answered 404, not 200"],
    [200, "", "/ has no Cache-Control, not no-cache or no-store: browsers would"],
    [200, "max-age=60", '/ has Cache-Control "max-age=60", not'],
  ] as const)
    it(`hold the page to what no browser may keep: ${status} "${cacheControl}"`, () => {
      const got = judgePage("/", { status, cacheControl, body: "" });
      assert.equal(got?.slice(0, problem?.length), problem);
    });
  it("hold an asset that is not there to a 404, and say how", () => {
    const asset = "/assets/x-00000000.js";
    assert.equal(judgeMissing(asset, 404), undefined);
    for (const status of [200, 301, 500])
      assert.equal(
        judgeMissing(asset, status),
        `${asset} answered ${status}, not 404: visitors would get this in the place of a file that only the other colour has; ` +
          "in Nginx: location /assets/ { try_files $uri =404; }",
      );
  });
  const ANSWERS = [
    [200, '{"services":{"database":{"status":"ok"}}}', undefined],
    [503, "", "/health answered 503, not 200"],
    [200, "<html>", "/health answered no JSON"],
    [
      200,
      '{"services":{"database":{"status":"down"}}}',
      '/health: services.database.status is "down", not "ok"',
    ],
    [200, '{"services":null}', '/health: services.database.status is undefined, not "ok"'],
  ] as const;
  for (const [status, body, problem] of ANSWERS)
    it(`judge ${status} ${body}`, () => {
      assert.equal(judgeAnswer(check, { status, body }), problem);
    });
  it("ask for no document where none is wanted", () => {
    for (const none of [
      { ...check, json: {} },
      { path: "/", status: 200, timeoutSeconds: 5 },
    ])
      assert.equal(judgeAnswer(none, { status: 200, body: "" }), undefined);
  });
});

describe("the scan before a push", () => {
  const LIBC = { name: "libc6", old: "2.41-12", version: "2.41-12+deb13u1" };
  it("holds security updates against an image, and nothing else", () => {
    const output =
      "Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])\n" +
      "Inst tzdata [2025a] (2025b Debian:13.2/stable [all])\nConf libc6 (…)\n";
    assert.deepEqual(securityUpdates(output), [LIBC]);
    assert.deepEqual(securityUpdates(""), []);
  });

  const accepted = (change: object = {}) =>
    JSON.stringify([
      {
        ...{ packages: ["libc6", "libc-bin"], version: "2.41-12+deb13u1", until: "2026-03-10" },
        ...{ reason: "python:3.14-slim has no rebuild yet", ...change },
      },
    ]);
  const judged = (today: string, text = accepted()) =>
    judgeUpdates([LIBC, { ...LIBC, name: "openssl" }], readAccepted(text), today);
  const openssl = "openssl 2.41-12: 2.41-12+deb13u1 is there";
  it("lets through what was accepted, to its last day, and says so; no other package, and no later version of it", () => {
    const reason = "libc6 2.41-12 is accepted until 2026-03-10: python:3.14-slim has no rebuild yet";
    assert.deepEqual(judged("2026-03-10"), { refused: [openssl], accepted: [reason] });
    assert.deepEqual(judged("2026-03-11"), {
      refused: ["libc6 2.41-12: 2.41-12+deb13u1 is there, and was accepted until 2026-03-10", openssl],
      accepted: [],
    });
    const older = judged("2026-03-10", accepted({ version: "2.41-12+deb13u0" }));
    assert.deepEqual(older, { refused: ["libc6 2.41-12: 2.41-12+deb13u1 is there", openssl], accepted: [] });
  });
  for (const [what, change] of [
    ["no end", { until: undefined }],
    ["an end that is no day", { until: "2026-02-30" }],
    ["no reason to speak of", { reason: "wait" }],
    ["no package", { packages: [] }],
    ["a key that there is not", { cve: "CVE-2026-1" }],
  ] as const)
    it(`accepts nothing with ${what}`, () => {
      assert.throws(() => readAccepted(accepted(change)), /accepted-updates\.yaml/);
    });
  it("reads the committed file, and what its comment shows", () => {
    const text = readFileSync("delivery/image/accepted-updates.yaml", "utf8");
    readAccepted(text);
    const example = text.match(/^#( *- packages[^]*?)\n(?!#)/m)?.[1] ?? "";
    assert.equal(readAccepted(example.replaceAll(/^#/gm, "")).length, 1, text);
  });
});
