import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { configHash, gatewayFiles, renderNginx } from "../../../components/gateway/nginx.ts";
import type { GatewaySettings } from "../../../components/gateway/settings.ts";

const settings: GatewaySettings = { upstreams: { blue: "app-blue:8000", green: "app-green:8000" } };
const GOLDEN = new URL("../../golden/nginx.conf", import.meta.url);
const GOLDEN_TLS = new URL("../../golden/nginx-tls.conf", import.meta.url);
const TLS: Partial<GatewaySettings> = {
  rate: { requestsPerSecond: 50, burst: 100 },
  tls: { clientCertificate: true },
  realAddress: { header: "CF-Connecting-IP", from: ["192.0.2.0/24", "2001:db8::/32"] },
};

describe("renderNginx", () => {
  it("renders exactly the reviewed text (UPDATE_GOLDEN=1 writes it anew)", () => {
    const text = renderNginx({ ...settings, rate: { requestsPerSecond: 50, burst: 100 } }).replaceAll(
      /[0-9a-f]{16}/g,
      "HASH",
    );
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN, text);
    assert.equal(text, readFileSync(GOLDEN, "utf8"));
  });

  it("knows no live colour: nothing in it could change with a flip", () => {
    assert.match(renderNginx(settings), /proxy_pass http:\/\/\$slot;/);
    assert.doesNotMatch(renderNginx(settings), /proxy_pass http:\/\/(blue|green);/);
  });

  it("never tries a sent POST again", () => {
    assert.doesNotMatch(renderNginx(settings), /non_idempotent/);
  });

  it("limits no one unless told to", () => {
    assert.doesNotMatch(renderNginx(settings), /limit_req/);
    const limited = renderNginx({ ...settings, rate: { requestsPerSecond: 7, burst: 0 } });
    assert.match(limited, /rate=7r\/s;/);
    assert.match(limited, /limit_req zone=visitors;/);
    assert.match(
      limited,
      /proxy_set_header X-Bluegreen-Proof "";/,
      "the application need not know the token",
    );
  });

  it("puts every setting where it belongs", () => {
    const text = renderNginx({
      ...settings,
      bodyLimitMb: 3,
      connectTimeoutSeconds: 11,
      readTimeoutSeconds: 12,
      sendTimeoutSeconds: 13,
      streamIdleSeconds: 14,
      keepaliveSeconds: 15,
      keepaliveMinSeconds: 16,
      workerShutdownSeconds: 17,
      workerProcesses: 18,
      workerConnections: 19,
      upstreamKeepaliveConnections: 20,
      upstreamKeepaliveSeconds: 21,
      retryAfterSeconds: 22,
      assetMaxAgeSeconds: 23,
      gzipLevel: 9,
      resolver: "10.0.0.53",
      securityHeaders: { "X-Robots-Tag": "noindex" },
    });
    for (const line of [
      "client_max_body_size 3m;",
      "proxy_connect_timeout 11s;",
      "proxy_read_timeout 12s;",
      "proxy_send_timeout 13s;",
      "proxy_read_timeout 14s;",
      "keepalive_timeout 15s;",
      "keepalive_min_timeout 16s;",
      "worker_shutdown_timeout 17s;",
      "worker_processes 18;",
      "worker_connections 19;",
      "keepalive 20;",
      "keepalive_timeout 21s;",
      "add_header Retry-After 22 always;",
      'default "public, max-age=23, immutable";',
      "gzip_comp_level 9;",
      "resolver 10.0.0.53 valid=1s",
      "add_header X-Robots-Tag $default_x_robots_tag always;",
    ]) {
      assert.ok(text.includes(line), line);
    }
    assert.ok(!text.includes("X-Frame-Options"));
  });

  it("renders exactly the reviewed text for an edge that shows a certificate (UPDATE_GOLDEN=1 writes it anew)", () => {
    const text = renderNginx({ ...settings, ...TLS }).replaceAll(/[0-9a-f]{16}/g, "HASH");
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN_TLS, text);
    assert.equal(text, readFileSync(GOLDEN_TLS, "utf8"));
  });

  it("listens on one port for visitors, with TLS or without, and on one that is not published for Prometheus", () => {
    const listens = (text: string) => [...text.matchAll(/^ *listen (.*);$/gm)].map((found) => found[1]);
    const others = [
      "127.0.0.1:8081",
      "127.0.0.1:8086",
      "127.0.0.1:8082",
      "127.0.0.1:8083",
      "9145",
      "unix:/run/bluegreen/control.sock",
    ];
    assert.deepEqual(listens(renderNginx(settings)), ["8080", ...others]);
    assert.deepEqual(listens(renderNginx({ ...settings, ...TLS })), ["8443 ssl", ...others]);
    assert.doesNotMatch(renderNginx(settings), /ssl_|real_ip/);
  });

  it("asks for a client certificate only where the edge has one, and trusts no address by itself", () => {
    const selfSigned = renderNginx({ ...settings, tls: { clientCertificate: false } });
    assert.doesNotMatch(selfSigned, /ssl_verify_client|real_ip/);
    assert.match(selfSigned, /ssl_protocols TLSv1\.2 TLSv1\.3;/);
  });

  it("says https with TLS wherever it asks, at the control socket too", () => {
    const said = (text: string) => [...text.matchAll(/X-Forwarded-Proto (\S+);/g)].map((found) => found[1]);
    assert.deepEqual(said(renderNginx(settings)), ["$scheme"]);
    assert.deepEqual(said(renderNginx({ ...settings, tls: { clientCertificate: false } })), ["https"]);
  });

  it("reports every wrong setting at once", () => {
    assert.throws(
      () =>
        renderNginx({
          upstreams: { blue: "app-blue", green: "app-green:8000; evil" },
          bodyLimitMb: 0,
          gzipLevel: 10,
          rate: { requestsPerSecond: 0.5, burst: -1 },
          securityHeaders: { "X-A": 'a"; evil' },
          realAddress: { header: "CF IP", from: ["10.0.0.0/8; evil"] },
        }),
      (error: Error) =>
        [
          "upstreams.blue",
          "upstreams.green",
          "bodyLimitMb is 0",
          "gzipLevel is 10",
          "requestsPerSecond is 0.5",
        ]
          .concat(["rate.burst is -1", "securityHeaders.X-A", "realAddress.header", "realAddress.from"])
          .every((part) => error.message.includes(part)),
    );
  });
});

describe("gatewayFiles", () => {
  it("names everything but nginx.conf after the hash that nginx.conf carries", () => {
    const hash = configHash(settings);
    const paths = gatewayFiles(settings).map(({ path }) => path);
    assert.deepEqual(paths, [
      `${hash}/route.js`,
      `${hash}/control.js`,
      `${hash}/aside.js`,
      `${hash}/metrics.js`,
      ...["502", "503", "504", "429", "bypass", "maintenance"].map((page) => `${hash}/pages/${page}.html`),
      "nginx.conf",
    ]);
    assert.match(renderNginx(settings), new RegExp(`set \\$config_hash ${hash};`));
  });

  it("carries the team's own page of maintenance in the place of ours", () => {
    const files = gatewayFiles({ ...settings, maintenancePage: "<p>ours</p>\n" });
    const page = files.find(({ path }) => path.endsWith("/pages/maintenance.html"));
    assert.equal(page?.content, "<p>ours</p>\n");
    assert.notEqual(configHash(settings), configHash({ ...settings, maintenancePage: "<p>ours</p>\n" }));
  });

  it("has another hash when a setting is another", () => {
    assert.notEqual(configHash(settings), configHash({ ...settings, bodyLimitMb: 11 }));
    assert.equal(configHash(settings), configHash({ ...settings, bodyLimitMb: 10 }));
  });
});
