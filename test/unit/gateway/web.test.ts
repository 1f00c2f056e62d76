import assert from "node:assert/strict";
import { renderNginx } from "../../../components/gateway/nginx.ts";
import { type GatewaySettings, defaults } from "../../../components/gateway/settings.ts";
import { gatewaySettings } from "../../../components/gateway/spec.ts";
import { NAMES, WEB, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const settings: GatewaySettings = { upstreams: { blue: "app-blue:8000", green: "app-green:8000" } };
const blue = { upstream: "web-blue:8000", apiPaths: ["/api", "/v1.0"] };

describe("a file with a hash in its name", () => {
  const asset = new RegExp(defaults.assetPattern);

  for (const path of [
    "/static/main.8f3a2b1c.js",
    "/app-8f3a2b1c.css",
    "/static/admin/base.55e7cbb9ba48.css",
    "/assets/index-DiwrgTda.js",
    "/assets/a/b-c-x_1-B2cd.woff2",
    "/assets/react--abcdefg.svg",
    "/docs-2024-8f3a2b1c.css",
    // Perhaps a word: the other colour may be asked for it all the same.
    "/assets/icon-facebook.svg",
  ])
    it(`is ${path}`, () => {
      assert.match(path, asset);
    });

  for (const path of [
    "/assets/logo.svg",
    "/assets/my-logo.svg",
    "/assets/-DiwrgTda.js",
    "/assets/a-DiwrgTda/logo.svg",
    "/index-DiwrgTda.js",
    "/assets/index-DiwrgTda",
    "/main.js",
    "/api/files/550e8400-e29b-41d4-a716-446655440000.png",
  ])
    it(`is not ${path}`, () => {
      assert.doesNotMatch(path, asset);
    });
});

/** The lines of a block, without their indentation. */
function block(text: string, begin: string): string {
  const from = text.indexOf(begin);
  assert.ok(from >= 0, `${begin} is not there`);
  const found = /^( *)\S[^]*?^\1\}/m.exec(text.slice(text.lastIndexOf("\n", from) + 1))?.[0] ?? "";
  return found.replaceAll(/^ +/gm, "");
}

/** What Nginx makes of a variable: maps look for the text, then for the first expression that matches. */
function valueOf(config: string, name: string, given: Readonly<Record<string, string>>): string {
  const fill = (text: string) =>
    text.replaceAll(/\$(\w+)/g, (_, inner: string) => given[inner] ?? valueOf(config, inner, given));
  const [head = "", ...lines] = block(config, ` $${name} {`).split("\n");
  const source = fill(/^map "?([^"\s]+)"? /.exec(head)?.[1] ?? "");
  const rows = lines.flatMap((line) => {
    const [, key, value] = /^("[^"]*"|\S+) "?([^"]*)"?;$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [{ key: key.replaceAll('"', ""), value }];
  });
  const fits = (key: string) =>
    key.startsWith("~*") ? new RegExp(key.slice(2), "i").test(source) : new RegExp(key.slice(1)).test(source);
  const found =
    rows.find(({ key }) => key === source) ??
    rows.find(({ key }) => key.startsWith("~") && fits(key)) ??
    rows.find(({ key }) => key === "default");
  return fill(found?.value ?? "");
}

describe("an asset's Cache-Control", () => {
  const text = renderNginx(settings);
  const YEAR = "public, max-age=31536000, immutable";
  const JS = "text/javascript";
  const HTML = "text/html; charset=utf-8";

  interface Case {
    readonly uri?: string;
    readonly status?: number;
    readonly type?: string;
    readonly own?: string;
    readonly cookie?: string;
  }
  const kept = ({
    uri = "/assets/index-DiwrgTda.js",
    status = 200,
    type = JS,
    own = "",
    cookie = "",
  }: Case) =>
    valueOf(text, "asset_cache_control", {
      uri,
      status: String(status),
      upstream_http_content_type: type,
      upstream_http_cache_control: own,
      upstream_http_set_cookie: cookie,
    });

  for (const [what, given, wanted] of [
    ["is a year for a file that is there", {}, YEAR],
    ["is a year for a part of one", { status: 206 }, YEAR],
    ["is a year whatever else the application says", { own: "no-cache, max-age=60" }, YEAR],
    ["is the application's own for what is not there", { status: 404, own: "max-age=60" }, "max-age=60"],
    ["is none where it said none of that", { status: 404 }, ""],
    ["keeps no page that stands in for a file", { type: HTML }, "no-cache"],
    ["keeps no page, whatever the image says", { type: "Text/HTML", own: YEAR }, "no-cache"],
    ["keeps no part of a page", { type: HTML, status: 206 }, "no-cache"],
    ["keeps no page that says a file is not there", { type: HTML, status: 404, own: YEAR }, "no-cache"],
    ["keeps no page with a cookie", { type: HTML, cookie: "a=b", own: YEAR }, "no-cache"],
    ["leaves a visitor's own file to the visitor", { own: "private" }, "private"],
    ["leaves alone what nobody may keep", { own: "max-age=0, No-Store" }, "max-age=0, No-Store"],
    [
      "leaves it alone for a page, too",
      { type: "text/html", own: "private, max-age=9" },
      "private, max-age=9",
    ],
    [
      "leaves it alone behind a type with a colon",
      { type: 'application/ld+json; profile="http://a/b"', own: "private" },
      "private",
    ],
    ["adds nothing to an answer with a cookie", { cookie: "session=1; HttpOnly" }, ""],
    ["leaves its own to one with a cookie", { cookie: "a=b", own: "max-age=60" }, "max-age=60"],
    ["is left as it was kept by a 304, which does not say of what", { status: 304, type: "" }, ""],
    ["is left so whatever the application says", { status: 304, type: "", own: YEAR }, ""],
    ["is private in a 304, too", { status: 304, type: "", own: "private" }, "private"],
    [
      "is the application's own for a word",
      { uri: "/assets/icon-facebook.svg", own: "max-age=9" },
      "max-age=9",
    ],
    ["is the application's own for words", { uri: "/assets/a/our-big-plan.jpg" }, ""],
    ["is a year for a hash that is no word", { uri: "/assets/icon-f4cebook.svg" }, YEAR],
    ["is a year for a hash with a capital", { uri: "/assets/icon-facebooK.svg" }, YEAR],
    ["is a year for a hash with a _", { uri: "/assets/icon-face_ook.svg" }, YEAR],
    ["is a year for a longer one", { uri: "/static/app-deadbeefdeadbeef.css" }, YEAR],
  ] satisfies readonly (readonly [string, Case, string])[])
    it(what, () => {
      assert.equal(kept(given), wanted);
    });

  it("is made from the last answer on every way to an asset, and from nothing else", () => {
    const withWeb = renderNginx({ ...settings, web: { blue } });
    const both = "proxy_hide_header Cache-Control;\nadd_header Cache-Control $asset_cache_control always;";
    for (const where of ["location ~", "location @aside_asset", "location @other_assets"])
      assert.ok(block(withWeb, where).includes(both), where);
  });
});

describe("what an application says of the gateway's own headers", () => {
  const names = ["X-Request-Id", "X-Color", "X-Release"];
  const hides = (lines: string) =>
    [...lines.matchAll(/^ *proxy_hide_header (\S+);$/gm)].map(([, name]) => name);

  for (const [what, web] of [
    ["with a web server", { blue }],
    ["without", undefined],
  ] as const)
    it(`is hidden in every location that hides more, ${what}: Nginx inherits a list or replaces it`, () => {
      const text = renderNginx({ ...settings, web });
      const begins = [...text.matchAll(/^ *location [^{]*\{/gm)].map(({ index }) => text.slice(index));
      const locations = begins.map((rest) => block(rest, "location"));
      const hiding = locations.filter((lines) => hides(lines).length > 0);
      assert.equal(hiding.length, web === undefined ? 2 : 5);
      for (const lines of hiding) assert.deepEqual(hides(lines), [...names, "Cache-Control"], lines);
      assert.deepEqual(hides(text.slice(0, text.indexOf("\n    server {"))), names, "everywhere else");
    });
});

describe("a page's Cache-Control", () => {
  const text = renderNginx({ ...settings, web: { blue } });
  const HOUR = "max-age=3600";

  for (const [what, part, status, type, wanted] of [
    ["keeps no page", "web_blue", 200, "text/html; charset=utf-8", "no-cache"],
    ["keeps no page that says something is not there", "web_green", 404, "text/html", "no-cache"],
    ["keeps no page that was kept already, which a 304 does not say", "web_blue", 304, "", "no-cache"],
    ["is the image's own for a picture", "web_blue", 200, "image/png", HOUR],
    [
      "is the image's own for a picture that was kept, where the 304 says so",
      "web_blue",
      304,
      "image/png",
      HOUR,
    ],
    ["is the application's own", "blue", 200, "text/html", HOUR],
    ["is the application's own in a 304", "blue", 304, "", HOUR],
    ["is the image's own for an answer without a type", "web_blue", 204, "", HOUR],
  ] as const)
    it(what, () => {
      const given = {
        part,
        aside_part: part,
        status: String(status),
        upstream_http_content_type: type,
        upstream_http_cache_control: HOUR,
      };
      for (const name of ["page_cache_control", "aside_page_cache_control"])
        assert.equal(valueOf(text, name, given), wanted, name);
    });
});

describe("a slot's web server in nginx.conf", () => {
  const text = renderNginx({ ...settings, web: { blue } });

  it("is not there where no slot has one", () => {
    const without = renderNginx(settings);
    assert.doesNotMatch(without, /web_|\$part/);
    assert.equal(renderNginx({ ...settings, web: {} }), without);
  });

  it("gets every path but the application's, whose own figures stay its own", () => {
    assert.match(
      block(text, "map $uri $blue_part"),
      /"~\^\(\?:\/api\|\/v1\\\.0\|\/metrics\)\(\?:\/\|\$\)" blue;\ndefault web_blue;/,
    );
    assert.equal((text.match(/proxy_pass http:\/\/\$part;/g) ?? []).length, 3);
    assert.doesNotMatch(text, /proxy_pass http:\/\/\$slot;/);
  });

  it("changes nothing for the colour without one", () => {
    assert.equal(block(text, "map $uri $green_part"), "map $uri $green_part {\ndefault green;\n}");
    assert.equal(block(text, "map $uri $green_assets"), "map $uri $green_assets {\ndefault none;\n}");
    assert.doesNotMatch(text, /upstream web_green/);
  });

  it("is reached like the application: resolved, with a backup server, with kept connections", () => {
    const [web, api] = [block(text, "upstream web_blue {"), block(text, "upstream blue {")];
    assert.equal(
      web.replaceAll("web_blue", "blue").replace("web-blue", "app-blue").replace("8084", "8082"),
      api,
    );
    assert.match(text, /listen 127\.0\.0\.1:8084;/);
  });

  it("is asked nothing while visitors are kept aside, or while no colour is live", () => {
    for (const slot of ["aside", "none"])
      for (const uri of ["/", "/api/x", "/assets/index-DiwrgTda.js"])
        assert.equal(valueOf(text, "part", { slot, uri }), slot, uri);
    assert.equal(valueOf(text, "part", { slot: "blue", uri: "/x" }), "web_blue");
    assert.equal(valueOf(text, "part", { slot: "blue", uri: "/api/x" }), "blue");
  });

  it("is smoke-tested as visitors would reach it", () => {
    assert.match(
      text,
      /location \/slot\/blue\/ \{\s+rewrite \^\/slot\/blue\(\/\.\*\)\$ \$1 break;\s+proxy_pass http:\/\/\$blue_part;/,
    );
  });

  for (const bad of ["/api/", "api", "/a b", '/a"', "/a(b|c)", "/"]) {
    it(`cannot be given ${JSON.stringify(bad)} as a path of the application`, () => {
      const web = { blue: { ...blue, apiPaths: [bad] } };
      assert.throws(() => renderNginx({ ...settings, web }), /web\.blue\.apiPaths/);
    });
  }

  it("is what the slot began with, whatever the config says now", () => {
    const began = slotSpecOf(
      "blue",
      { release: "1", images: { api: "app:1", web: "web:1" } },
      settingsOf(WEB),
    );
    const later = settingsOf({ web: '{"apiPaths":["/other"]}' });
    const without = slotSpecOf("green");
    assert.deepEqual(gatewaySettings(later, NAMES, { blue: began, green: without }).web, {
      blue: { upstream: "bluegreen-dev-web-blue:8000", apiPaths: ["/api", "/health"] },
    });
    assert.equal("web" in gatewaySettings(later, NAMES, { blue: without, green: undefined }), false);
  });
});
