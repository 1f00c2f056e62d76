import assert from "node:assert/strict";
import { parseConfig } from "../../../components/config/parse.ts";
import { checkAcrossKeys } from "../../../components/config/rules.ts";
import {
  askedUrl,
  gatewaySettings,
  gatewaySpec,
  loopback,
  stackUrl,
} from "../../../components/gateway/spec.ts";
import { DIRECTORY, MINIMAL, NAMES, SSH_HOST, settingsOf } from "../../support/fixtures.ts";

const EMPTY = { blue: undefined, green: undefined };

const CLOUDFLARE = {
  kind: "cloudflare",
  zone: "example.com",
  hostname: "app.example.com",
  originAddress: "203.0.113.10",
};
const SELF_SIGNED = { kind: "self-signed", hostname: "app.example.com" };

const withEdge = (edge: object) => settingsOf({ edge: JSON.stringify(edge) });
const problems = (edge: object, host = MINIMAL.host) => {
  const parsed = parseConfig({ ...MINIMAL, host, edge: JSON.stringify(edge) });
  return [...parsed.problems, ...checkAcrossKeys(parsed, undefined, 2048)].map(({ key }) => key);
};

describe("the edge's config", () => {
  it("takes each kind as it is documented", () => {
    for (const edge of [{ kind: "none" }, SELF_SIGNED, CLOUDFLARE]) assert.deepEqual(problems(edge), []);
  });

  it("refuses a host name outside the zone, and one in another zone that ends alike", () => {
    for (const hostname of ["app.example.org", "badexample.com"]) {
      assert.deepEqual(problems({ ...CLOUDFLARE, hostname }), ["edge.hostname"]);
    }
    assert.deepEqual(problems({ ...CLOUDFLARE, hostname: "example.com" }), []);
  });

  it("wants the address that the record points to, where the kind of host does not tell it", () => {
    assert.deepEqual(problems({ ...CLOUDFLARE, originAddress: undefined }), ["edge.originAddress"]);
    const on = (address: string) => {
      const host = JSON.stringify({ ...SSH_HOST, address });
      return problems({ ...CLOUDFLARE, originAddress: undefined }, host).filter((key) => /^edge/.test(key));
    };
    assert.deepEqual(on("203.0.113.7"), []);
    for (const address of ["10.1.2.3", "192.168.0.7", "172.20.0.7", "server.example.com", "999.1.1.1"])
      assert.deepEqual(on(address), ["edge.originAddress"], address);
  });

  it("takes no token: that is the provider's", () => {
    assert.deepEqual(problems({ ...CLOUDFLARE, apiToken: "x" }), ["edge.apiToken"]);
  });
});

describe("the gateway behind an edge", () => {
  const spec = (edge: object) => gatewaySpec(withEdge(edge), NAMES, DIRECTORY, false);

  it("is published as it was where there is none", () => {
    assert.deepEqual(spec({ kind: "none" }).ports, [{ internal: 8080, external: 8080, ip: "127.0.0.1" }]);
    assert.equal(stackUrl(withEdge({ kind: "none" })), "http://127.0.0.1:8080");
    assert.equal(spec({ kind: "none" }).volumes.length, 2);
  });

  for (const edge of [SELF_SIGNED, CLOUDFLARE]) {
    it(`is published on 443 to everybody with ${edge.kind}, on nothing else, and sees its certificate read-only`, () => {
      assert.deepEqual(spec(edge).ports, [{ internal: 8443, external: 443, ip: "0.0.0.0" }]);
      assert.equal(stackUrl(withEdge(edge)), "https://app.example.com");
      assert.equal(loopback(withEdge(edge)), "127.0.0.1:443");
      assert.deepEqual(spec(edge).volumes.at(-1), {
        hostPath: `${DIRECTORY}/tls/served`,
        containerPath: "/etc/bluegreen-tls",
        readOnly: true,
      });
    });
  }

  it("is found at a server's own address where there is none, and asked on the server itself", () => {
    const at = (address: string, gateway: object) => {
      const host = JSON.stringify({ ...SSH_HOST, address });
      const settings = settingsOf({ host, gateway: JSON.stringify(gateway) });
      return [stackUrl(settings), askedUrl(settings)];
    };
    const world = { address: "0.0.0.0", port: 80 };
    assert.deepEqual(at("app.example.com", world), ["http://app.example.com", "http://127.0.0.1:80"]);
    assert.deepEqual(at("2001:db8::1", world), ["http://[2001:db8::1]", "http://127.0.0.1:80"]);
    const one = "http://203.0.113.9:8080";
    assert.deepEqual(at("203.0.113.10", { address: "203.0.113.9", port: 8080 }), [one, one]);
    assert.equal(at("203.0.113.10", { address: "127.0.0.1", port: 8080 })[0], "http://127.0.0.1:8080");
  });

  it("names another port only where visitors use it", () => {
    assert.equal(stackUrl(withEdge({ ...SELF_SIGNED, port: 8443 })), "https://app.example.com:8443");
    assert.equal(stackUrl(withEdge({ ...CLOUDFLARE, port: 8443 })), "https://app.example.com");
  });

  it("believes Cloudflare alone about visitors' addresses", () => {
    const real = (edge: object) => gatewaySettings(withEdge(edge), NAMES, EMPTY).realAddress;
    assert.equal(real(SELF_SIGNED), undefined);
    assert.equal(real(CLOUDFLARE)?.header, "CF-Connecting-IP");
    assert.equal(real(CLOUDFLARE)?.from.length, 22);
  });

  it("tells browsers to stay with TLS for as long as the config dares, for this name alone", () => {
    const header = (edge: object) =>
      gatewaySettings(withEdge(edge), NAMES, EMPTY).securityHeaders?.["Strict-Transport-Security"];
    assert.equal(header({ kind: "none" }), undefined);
    assert.equal(header(SELF_SIGNED), undefined);
    assert.equal(header(CLOUDFLARE), "max-age=300");
    assert.equal(header({ ...CLOUDFLARE, hsts: "off" }), undefined);
    assert.equal(header({ ...CLOUDFLARE, hsts: "long" }), "max-age=31536000");
    assert.ok(
      gatewaySettings(withEdge(CLOUDFLARE), NAMES, EMPTY).securityHeaders?.["X-Content-Type-Options"],
      "the other headers stay",
    );
  });
});
