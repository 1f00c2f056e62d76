import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { judgeAnswer, judgePage, smokeChecksOf } from "../../../delivery/image/checks.ts";
import { deliveriesOf } from "../../../delivery/image/sample.ts";
import { buildWords, imageName, pushedReference, tagged } from "../../../delivery/image/reference.ts";
import { securityUpdates } from "../../../delivery/image/scan.ts";

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
    assert.deepEqual(api[0], check);
    assert.deepEqual(
      api.map(({ path }) => path),
      ["/health", "/version"],
    );
    assert.deepEqual([web?.user, web?.checks.map(({ path }) => path)], ["101:101", ["/"]]);
    assert.throws(() => smokeChecksOf("config: {}"));
  });
  it("go to the API below its paths, whatever is asked there, and to it alone where there is no web server", () => {
    const smoke = ["/api", "/api/x", "/api?a=1", "/apiary", "/x?/api"].map((path) => ({ path, status: 200 }));
    const file = (web: object) => JSON.stringify({ config: { "bluegreen:switch": { smoke }, ...web } });
    const { api, web } = smokeChecksOf(file({ "bluegreen:web": { apiPaths: ["/api"] } }));
    assert.deepEqual(
      api.map(({ path }) => path),
      ["/api", "/api/x", "/api?a=1"],
    );
    assert.deepEqual(
      web?.checks.map(({ path }) => path),
      ["/apiary", "/x?/api"],
    );
    assert.deepEqual([smokeChecksOf(file({})).api.length, smokeChecksOf(file({})).web], [5, undefined]);
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
    assert.equal(judgeAnswer({ ...check, json: {} }, { status: 200, body: "" }), undefined);
  });
});

describe("the scan before a push", () => {
  it("holds security updates against an image, and nothing else", () => {
    const output =
      "Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])\n" +
      "Inst tzdata [2025a] (2025b Debian:13.2/stable [all])\nConf libc6 (…)\n";
    assert.deepEqual(securityUpdates(output), ["libc6 2.41-12: 2.41-12+deb13u1 is there"]);
    assert.deepEqual(securityUpdates(""), []);
  });
});
