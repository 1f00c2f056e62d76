import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type Server, createServer } from "node:http";
import { type Asking, parseImage, resolveImages } from "../../../release/deploy/image-digest.ts";
import type { PlainMap } from "../../../release/config-file.ts";
import { freePort } from "../../support/ports.ts";

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
    for (const bad of ["BAD IMAGE", "", "api:", "https://ghcr.io/api"])
      assert.throws(() => parseImage(bad), /is no image/);
  });
});

describe("the digest of an image", () => {
  let server: Server;
  let address: string;
  /** How the registry answers who is not let in yet. */
  let challenge: string | undefined;
  let asked: (string | undefined)[];

  before(async () => {
    address = `127.0.0.1:${await freePort()}`;
    server = createServer((request: IncomingMessage, response) => {
      const { authorization } = request.headers;
      if (request.url?.startsWith("/token") === true) {
        const right = authorization === BASIC && request.url.includes("scope=pull");
        response.writeHead(right ? 200 : 401).end(JSON.stringify(right ? { token: "t0ken" } : {}));
        return;
      }
      asked.push(authorization);
      const wanted = challenge?.startsWith("Bearer") === true ? "Bearer t0ken" : BASIC;
      if (challenge !== undefined && authorization !== wanted) {
        response.writeHead(401, { "WWW-Authenticate": challenge }).end();
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
    asked = [];
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
