import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, type Server, createServer } from "node:http";
import { type Asking, parseImage, resolveImages } from "../../../release/deploy/image-digest.ts";
import { isLoopback, parseChallenges } from "../../../release/deploy/registry.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { freePort } from "../../support/ports.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] });
const DIGEST = `sha256:${"a".repeat(64)}`;
const BASIC = `Basic ${Buffer.from("deploy:hunter2").toString("base64")}`;

describe("an image's name", () => {
  it("is read as Docker reads it", () => {
    assert.deepEqual(parseImage("nginx:1.30"), {
      ...{ registry: "registry-1.docker.io", repository: "library/nginx", tag: "1.30", digest: undefined },
    });
    assert.deepEqual(parseImage(`ghcr.io/acme/api@${DIGEST}`), {
      ...{ registry: "ghcr.io", repository: "acme/api", tag: "latest", digest: DIGEST },
    });
    assert.equal(parseImage("localhost:5000/api:2").registry, "localhost:5000");
    assert.equal(parseImage("docker.io/acme/api").repository, "acme/api");
    for (const hub of [
      "redis:8",
      "docker.io/redis:8",
      "index.docker.io/redis:8",
      "docker.io/library/redis:8",
    ]) {
      const { registry, repository, tag } = parseImage(hub);
      assert.deepEqual([registry, repository, tag], ["registry-1.docker.io", "library/redis", "8"], hub);
    }
    for (const bad of ["BAD IMAGE", "", "api:", "https://ghcr.io/api"])
      assert.throws(() => parseImage(bad), /is no image/);
  });
});

describe("a registry", () => {
  it("is asked without TLS on this machine alone", () => {
    for (const here of ["localhost", "localhost:5000", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:5000"])
      assert.ok(isLoopback(here), here);
    for (const elsewhere of [
      ...["localhost.example.com", "localhost.example.com:5000", "127.example.com", "127.0.0.1.nip.io"],
      ...["ghcr.io", "notlocalhost", "[::1]:5000.example.com", "[::2]"],
    ])
      assert.ok(!isLoopback(elsewhere), elsewhere);
  });

  it("asks for logins in several ways at once, each with what belongs to it", () => {
    const both = `Bearer realm="https://r.io/token",service="a, b",scope="pull", Basic realm="r \\"x\\""`;
    assert.deepEqual(parseChallenges(both), [
      { scheme: "bearer", fields: { realm: "https://r.io/token", service: "a, b", scope: "pull" } },
      { scheme: "basic", fields: { realm: 'r "x"' } },
    ]);
    assert.deepEqual(parseChallenges("BASIC realm=registry, Negotiate, bearer Realm=https://r.io/t"), [
      { scheme: "basic", fields: { realm: "registry" } },
      { scheme: "negotiate", fields: {} },
      { scheme: "bearer", fields: { realm: "https://r.io/t" } },
    ]);
    assert.deepEqual(parseChallenges(""), []);
  });
});

describe("the digest of an image", () => {
  let server: Server;
  let address: string;
  /** How the registry answers who is not let in yet. */
  let challenge: string | undefined;
  let asked: (string | undefined)[];
  let askedTokens: string[];
  /** What the place of the tokens says instead of one. */
  let noToken: string | undefined;
  /** How the registry answers a HEAD, where it does not tell the digest in it. */
  let headStatus: number | undefined;

  before(async () => {
    address = `127.0.0.1:${await freePort()}`;
    server = createServer((request: IncomingMessage, response) => {
      const { authorization } = request.headers;
      if (request.url?.startsWith("/token") === true) {
        askedTokens.push(request.url);
        if (noToken !== undefined) {
          response.writeHead(200).end(noToken);
          return;
        }
        const right = authorization === BASIC && request.url.includes("scope=pull");
        response.writeHead(right ? 200 : 401).end(JSON.stringify(right ? { token: "t0ken" } : {}));
        return;
      }
      asked.push(authorization);
      const wanted = challenge?.includes("Bearer") === true ? "Bearer t0ken" : BASIC;
      if (challenge !== undefined && authorization !== wanted) {
        response.writeHead(401, { "WWW-Authenticate": challenge }).end();
      } else if (request.url === "/v2/acme/api/manifests/page") {
        response.writeHead(200, { "Content-Type": "text/html" }).end("<p>welcome</p>");
      } else if (request.url === "/v2/acme/api/manifests/moved") {
        response.writeHead(307, { Location: "/v2/acme/api/manifests/1.4" }).end();
      } else if (request.url === "/v2/acme/api/manifests/1.4" && headStatus !== undefined) {
        const told = request.method === "HEAD" ? headStatus : 200;
        response.writeHead(told, { "Content-Type": `${INDEX}; charset=utf-8` }).end(MANIFEST);
      } else if (request.url === "/v2/acme/api/manifests/1.4") {
        response.writeHead(200, { "Docker-Content-Digest": DIGEST }).end();
      } else {
        response.writeHead(404).end();
      }
    }).listen(Number(address.split(":")[1]), "127.0.0.1");
    await once(server, "listening");
  });
  beforeEach(() => {
    challenge = undefined;
    noToken = undefined;
    headStatus = undefined;
    asked = [];
    askedTokens = [];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  function stack(values: PlainMap = {}, secret = "{}"): Asking {
    return {
      project: "bluegreen",
      config: { path: "Pulumi.prod.yaml", text: "", values: { host: { kind: "ssh" }, ...values } },
      engine: { getConfig: () => Promise.resolve({ value: secret, secret: true }) },
    };
  }
  const registered = (where = address) =>
    stack({ registry: {} }, JSON.stringify({ address: where, username: "deploy", password: "hunter2" }));
  const resolve = async (from: Asking, tag = "1.4") =>
    (await resolveImages(from, { api: `${address}/acme/api:${tag}` }))["api"];

  it("is the registry's word, and what has one is not asked for", async () => {
    assert.equal(await resolve(stack()), `${address}/acme/api@${DIGEST}`);
    const known = { api: `${address}/acme/api@${DIGEST}` };
    assert.deepEqual(await resolveImages(stack(), known), known);
    assert.equal(asked.length, 1);
  });

  it("is asked for with the stack's own login, in both ways that registries know", async () => {
    challenge = "Basic realm=registry";
    assert.equal(await resolve(registered()), `${address}/acme/api@${DIGEST}`);
    challenge = `Bearer realm="http://${address}/token",scope="pull"`;
    assert.equal(await resolve(registered()), `${address}/acme/api@${DIGEST}`);
  });

  it("is asked for by token where both ways are offered, in whatever order", async () => {
    const bearer = `Bearer realm="http://${address}/token",scope="pull"`;
    for (challenge of [`${bearer}, Basic realm="registry"`, `Basic realm="registry",${bearer}`])
      assert.equal(await resolve(registered()), `${address}/acme/api@${DIGEST}`);
  });

  it("is asked for with a token from a place that has a query of its own", async () => {
    challenge = `Bearer realm="http://${address}/token?tenant=a%26b",scope="pull",service="r",error="x"`;
    assert.equal(await resolve(registered()), `${address}/acme/api@${DIGEST}`);
    assert.deepEqual(askedTokens, ["/token?tenant=a%26b&service=r&scope=pull"]);
  });

  it("is refused where the token is none, and its place no address that a login may be sent to", async () => {
    challenge = `Bearer realm="http://${address}/token",scope="pull"`;
    for (noToken of ["<html>", "", "{}", '{"token":7}'])
      await assert.rejects(resolve(registered()), { name: "Refusal", message: /does not let us in/ });
    noToken = undefined;
    for (const realm of ["nowhere", "http://registry.example.com/token", "ftp://127.0.0.1/token"]) {
      challenge = `Bearer realm="${realm}",scope="pull"`;
      await assert.rejects(resolve(registered()), { name: "Refusal", message: /does not let us in/ }, realm);
    }
  });

  it("is that of the manifest itself where a HEAD does not tell it", async () => {
    challenge = "Basic realm=registry";
    const digest = `sha256:${createHash("sha256").update(MANIFEST).digest("hex")}`;
    for (headStatus of [405, 501, 200])
      assert.equal(await resolve(registered()), `${address}/acme/api@${digest}`);
    headStatus = undefined;
    assert.equal(await resolve(registered(), "moved"), `${address}/acme/api@${DIGEST}`);
    await assert.rejects(resolve(registered(), "page"), {
      name: "Refusal",
      message: /does not tell the digest/,
    });
  });

  it("is not asked for with a login that belongs to another registry", async () => {
    challenge = "Basic realm=registry";
    await assert.rejects(resolve(registered("ghcr.io")), /does not tell the digest of .* \(status 401\)/);
    assert.deepEqual(asked, [undefined, undefined]);
    challenge = `Bearer realm="http://${address}/token",scope="pull"`;
    await assert.rejects(resolve(stack()), /does not let us in/);
  });

  it("is refused where the registry has none, does not answer, or its login is no JSON", async () => {
    await assert.rejects(resolve(stack(), "nowhere"), /has no image/);
    const silent = `127.0.0.1:${await freePort()}`;
    await assert.rejects(resolveImages(stack(), { api: `${silent}/api:1` }), /cannot be asked/);
    challenge = "Basic realm=registry";
    await assert.rejects(resolve(stack({ registry: {} }, "hunter2")), (error: Error) => {
      assert.doesNotMatch(error.message, /hunter2/);
      return /status 401/.test(error.message);
    });
  });

  it("is not asked for where a local host built the image itself", async () => {
    const images = { api: "bluegreen-sample-api:3" };
    assert.deepEqual(await resolveImages(stack({ host: { kind: "local" } }), images), images);
  });
});
