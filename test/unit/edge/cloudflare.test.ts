import assert from "node:assert/strict";
import { CLOUDFLARE_IPV4, CLOUDFLARE_IPV6, rangesDrift } from "../../../components/edge/cloudflare-ranges.ts";
import { parseClientPair } from "../../../components/edge/cloudflare/client-pair.ts";
import { markerContent, ownersOf, ownership } from "../../../components/edge/cloudflare/owner.ts";
import {
  type Rule,
  cacheRules,
  firewallRules,
  rateRules,
} from "../../../components/edge/cloudflare/rules.ts";
import { defaults } from "../../../components/gateway/settings.ts";

const PROD = { project: "bluegreen", stack: "prod" };
const STAGING = { project: "bluegreen", stack: "staging" };

describe("a zone's owner", () => {
  it("reads back what it left, with Cloudflare's quotes and without", () => {
    assert.deepEqual(ownersOf([markerContent(PROD)]), ["bluegreen/prod"]);
    assert.deepEqual(ownersOf(["owner=bluegreen/prod", "v=spf1 -all"]), ["bluegreen/prod"]);
  });

  it("is whoever comes first, and stays it", () => {
    assert.deepEqual(ownership(PROD, true, []), { kind: "free" });
    assert.deepEqual(ownership(PROD, true, ["bluegreen/prod"]), { kind: "free" });
  });

  it("is never a second one", () => {
    const refused = { kind: "refused", owner: "bluegreen/prod" };
    assert.deepEqual(ownership(STAGING, true, ["bluegreen/prod"]), refused);
    assert.deepEqual(ownership(STAGING, true, ["bluegreen/staging", "bluegreen/prod"]), refused);
  });

  it("leaves the others to their own record, and is missed where there is none", () => {
    assert.deepEqual(ownership(STAGING, false, ["bluegreen/prod"]), { kind: "free" });
    assert.deepEqual(ownership(STAGING, false, []), { kind: "nobody" });
    assert.deepEqual(ownership(PROD, false, ["bluegreen/prod"]), { kind: "nobody" }, "it gives the zone up");
  });
});

describe("a zone's rules", () => {
  const all: readonly (readonly [string, readonly Rule[], number])[] = [
    ["rate", rateRules(2000), 1],
    ["firewall", firewallRules(), 5],
    ["cache", cacheRules(), 10],
  ];
  for (const [what, rules, most] of all) {
    it(`of ${what} keep inside the free plan, and are told apart for ever`, () => {
      assert.ok(rules.length >= 1 && rules.length <= most);
      const refs = rules.map(({ ref }) => ref);
      assert.equal(new Set(refs).size, refs.length);
      for (const rule of rules) {
        assert.ok(rule.ref && rule.description && rule.enabled === true);
        assert.doesNotMatch(rule.expression, /matches|~/, "no regular expressions");
      }
    });
  }

  it("count a flood over the 10 s that the free plan has", () => {
    assert.deepEqual(rateRules(77)[0]?.ratelimit, {
      characteristics: ["cf.colo.id", "ip.src"],
      period: 10,
      requestsPerPeriod: 77,
      mitigationTimeout: 10,
      requestsToOrigin: false,
    });
  });

  it("keep every kind of file that the gateway lets browsers keep", () => {
    const expression = cacheRules()[0]?.expression ?? "";
    const extensions = (/\(\?:([^()]+)\)\$$/.exec(defaults.assetPattern)?.[1] ?? "").split("|");
    assert.ok(extensions.length > 5);
    for (const extension of extensions) assert.ok(expression.includes(`"${extension}"`), extension);
  });
});

describe("Cloudflare's ranges", () => {
  it("are whole", () => {
    assert.deepEqual([CLOUDFLARE_IPV4.length, CLOUDFLARE_IPV6.length], [15, 7]);
    for (const range of CLOUDFLARE_IPV4) assert.match(range, /^(\d{1,3}\.){3}\d{1,3}\/(1[2-9]|2[0-4])$/);
  });

  it("are held against what is published", () => {
    const published = [...CLOUDFLARE_IPV4, ...CLOUDFLARE_IPV6];
    assert.deepEqual(rangesDrift(published), { missing: [], gone: [] });
    assert.deepEqual(rangesDrift([...published.slice(1), "192.0.2.0/24"]), {
      missing: ["192.0.2.0/24"],
      gone: [CLOUDFLARE_IPV4[0]],
    });
  });
});

describe("the client certificate's two halves", () => {
  const block = (what: string, body: string) => `-----BEGIN ${what}-----\n${body}\n-----END ${what}-----`;
  it("are told apart", () => {
    const text = `${block("CERTIFICATE", "AAAA")}\n${block("PRIVATE KEY", "BBBB")}`;
    const pair = parseClientPair(text);
    assert.equal(pair.certificate, `${block("CERTIFICATE", "AAAA")}\n`);
    assert.equal(pair.privateKey, `${block("PRIVATE KEY", "BBBB")}\n`);
  });

  it("are not shown when one is missing", () => {
    assert.throws(
      () => parseClientPair(block("PRIVATE KEY", "hunter2")),
      (error: Error) => /printed no certificate/.test(error.message) && !error.message.includes("hunter2"),
    );
  });
});
