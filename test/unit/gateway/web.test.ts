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
