import assert from "node:assert/strict";
import { CLOUDFLARE_IPV4, CLOUDFLARE_IPV6 } from "../../../components/edge/cloudflare-ranges.ts";
import { MINIMAL, recordOf } from "../../support/fixtures.ts";
import { type ProgramRun, type Registration, runProgram } from "../../support/program.ts";

const HOST = '{"kind":"local","engine":"SOCKET","directory":"/srv/bluegreen-dev","memoryMb":2048}';
const ZONE_ID = "0123456789abcdef0123456789abcdef";
const CLOUDFLARE = {
  kind: "cloudflare",
  zone: "example.com",
  hostname: "app.example.com",
  originAddress: "203.0.113.10",
};
const CERTIFICATE = {
  generation: 3,
  fingerprint: "f00d",
  notBefore: "2026-01-01T00:00:00Z",
  notAfter: "2126-12-31T00:00:00Z",
};

const calls = (owners: readonly string[] = ["bluegreen/prod"]) => ({
  "cloudflare:index/getZone:getZone": { id: ZONE_ID },
  "cloudflare:index/getDnsRecords:getDnsRecords": {
    results: owners.map((owner) => ({ content: `"owner=${owner}"` })),
  },
  "cloudflare:index/getIpRanges:getIpRanges": {
    ipv4Cidrs: [...CLOUDFLARE_IPV4],
    ipv6Cidrs: [...CLOUDFLARE_IPV6],
  },
});

/** Cloudflare without an answer to the question for its addresses. */
function withoutRanges(): ReturnType<typeof calls> {
  const known = calls();
  Reflect.deleteProperty(known, "cloudflare:index/getIpRanges:getIpRanges");
  return known;
}

const run = async (edge: object, more: Partial<Parameters<typeof runProgram>[0]> = {}): Promise<ProgramRun> =>
  await runProgram({
    stack: "staging",
    config: { ...MINIMAL, host: HOST, edge: JSON.stringify(edge) },
    otherConfig: { "cloudflare:apiToken": "x".repeat(40) },
    calls: calls(),
    ...more,
  });

const ofCloudflare = ({ registrations }: ProgramRun) =>
  registrations
    .filter(({ type }) => type.startsWith("cloudflare:"))
    .map(({ name }) => name)
    .sort();

function named(program: ProgramRun, name: string): Registration {
  const found = program.registrations.find((one) => one.name === name);
  assert.ok(found, `${name} is not among ${program.registrations.map((one) => one.name).join(", ")}`);
  return found;
}

function waitsFor(program: ProgramRun, name: string, seen = new Set<string>()): Set<string> {
  for (const before of named(program, name).dependsOn) {
    if (seen.has(before)) continue;
    seen.add(before);
    waitsFor(program, before, seen);
  }
  return seen;
}

const STACK_OWN = ["edge-certificate", "edge-client-certificate", "edge-origin-pulls", "edge-record"];

describe("a stack behind Cloudflare", () => {
  it("has its own record, certificate and client certificate, and touches nothing else of the zone", async () => {
    const program = await run(CLOUDFLARE);
    assert.deepEqual(ofCloudflare(program), STACK_OWN);
    assert.deepEqual(named(program, "edge-record").inputs, {
      zoneId: ZONE_ID,
      name: "app.example.com",
      type: "A",
      content: "203.0.113.10",
      proxied: true,
      ttl: 1,
      comment: "bluegreen/staging",
    });
  });

  it("keeps the zone's settings and rules where it owns the zone, behind the marker that says so", async () => {
    const program = await run({ ...CLOUDFLARE, ownsZone: true }, { stack: "prod" });
    const zoneWide = ofCloudflare(program).filter((name) => !STACK_OWN.includes(name));
    assert.deepEqual(zoneWide, [
      "edge-zone-always-use-https",
      "edge-zone-cache",
      "edge-zone-firewall",
      "edge-zone-min-tls-version",
      "edge-zone-owner",
      "edge-zone-rate",
      "edge-zone-ssl",
      "edge-zone-tls-1-3",
    ]);
    assert.equal(named(program, "edge-zone-owner").inputs["content"], '"owner=bluegreen/prod"');
    for (const name of zoneWide) {
      if (name !== "edge-zone-owner")
        assert.ok(named(program, name).dependsOn.includes("edge-zone-owner"), name);
    }
  });

  it("is refused as the zone's second owner before anything is declared", async () => {
    const declared: string[] = [];
    await assert.rejects(
      run({ ...CLOUDFLARE, ownsZone: true }, { seen: (name) => declared.push(name) }),
      /edge\.ownsZone: got true; allowed: false, because bluegreen\/prod owns the zone example\.com/,
    );
    assert.deepEqual(declared, []);
  });

  it("asks for no zone by name where the config has its id", async () => {
    const rest = Object.entries(calls()).filter(([token]) => !token.includes("getZone"));
    const program = await run({ ...CLOUDFLARE, zoneId: "f".repeat(32) }, { calls: Object.fromEntries(rest) });
    assert.equal(named(program, "edge-record").inputs["zoneId"], "f".repeat(32));
  });

  it("goes on where Cloudflare does not say which addresses are its own", async () => {
    const program = await run(CLOUDFLARE, { calls: withoutRanges() });
    assert.ok(ofCloudflare(program).length > 0);
  });

  it("flips and rolls back while Cloudflare cannot be asked, with the zone that the last run found", async () => {
    const zone = { id: "e".repeat(32), name: "example.com", owned: false };
    const program = await run(CLOUDFLARE, { record: recordOf({ zone }), calls: {} });
    assert.equal(named(program, "edge-record").inputs["zoneId"], zone.id);
    assert.ok(program.registrations.some(({ name }) => name === "switch-flip"));
  });

  for (const [what, zone] of [
    ["another zone", { id: ZONE_ID, name: "example.org", owned: false }],
    ["a zone that it owned", { id: ZONE_ID, name: "example.com", owned: true }],
  ] as const)
    it(`does not take ${what} for the one that cannot be asked`, async () => {
      const declared: string[] = [];
      const seen = (name: string) => declared.push(name);
      await assert.rejects(run(CLOUDFLARE, { record: recordOf({ zone }), calls: {}, seen }));
      assert.deepEqual(declared, []);
    });

  it("says which token it lacks", async () => {
    const before = process.env["CLOUDFLARE_API_TOKEN"];
    delete process.env["CLOUDFLARE_API_TOKEN"];
    try {
      await assert.rejects(
        run(CLOUDFLARE, { otherConfig: {} }),
        /cloudflare:apiToken: got nothing; allowed: an API token with Zone: Read, DNS: Edit, SSL and Certificates: Edit/,
      );
    } finally {
      if (before !== undefined) process.env["CLOUDFLARE_API_TOKEN"] = before;
    }
  });

  it("is enabled at the edge before the gateway enforces it, and shown to visitors after that", async () => {
    const program = await run({ ...CLOUDFLARE, ownsZone: true }, { stack: "prod" });
    const gateway = "bluegreen-prod-gateway";
    for (const name of ["gateway-configuration", gateway]) {
      const before = waitsFor(program, name);
      for (const first of ["edge-install", "edge-origin-pulls", "edge-zone-ssl"])
        assert.ok(before.has(first), `${name} does not wait for ${first}`);
      assert.ok(!before.has("edge-record"), `${name} waits for visitors`);
    }
    assert.ok(waitsFor(program, "edge-record").has(gateway));
    const last = waitsFor(program, "switch-flip");
    for (const name of ofCloudflare(program))
      assert.ok(last.has(name), `the switch does not wait for ${name}`);
    // At a renewal the gateway trusts the new client certificate before Cloudflare shows it.
    assert.ok(waitsFor(program, "edge-client-certificate").has("edge-clients"));
    assert.ok(waitsFor(program, "edge-install").has("edge-clients"));
  });

  it("touches no slot, neither with a new certificate nor with the first one", async () => {
    const slots = (program: ProgramRun) =>
      program.registrations.filter(({ name }) => /-(api|migration)-|^slot-/.test(name));
    const record = recordOf({ certificate: CERTIFICATE });
    const due = recordOf({ certificate: { ...CERTIFICATE, notAfter: "2026-01-02T00:00:00Z" } });
    const [none, before, renewed] = [
      await run({ kind: "none" }, { record }),
      await run(CLOUDFLARE, { record }),
      await run(CLOUDFLARE, { record: due }),
    ];
    assert.deepEqual(slots(before), slots(none));
    const changed = before.registrations.filter(
      (one) =>
        !renewed.registrations.some(
          (other) =>
            other.type === one.type &&
            other.name === one.name &&
            JSON.stringify(other.inputs) === JSON.stringify(one.inputs),
        ),
    );
    assert.deepEqual(
      changed.map(({ name }) => name).sort(),
      ["edge-clients", "edge-install", "edge-request"],
      "and what Cloudflare makes of them",
    );
    assert.match(String(named(renewed, "edge-request").inputs["create"]), / request 4 app\.example\.com$/);
  });

  it("makes the same resources in a preview as in an update (invariant 8)", async () => {
    const key = ({ type, name }: Registration) => `${type} ${name}`;
    const [update, preview] = [await run(CLOUDFLARE), await run(CLOUDFLARE, { preview: true })];
    assert.deepEqual(preview.registrations.map(key).sort(), update.registrations.map(key).sort());
  });

  it("gives the client certificate's key to nobody but Cloudflare, as a secret", async () => {
    const program = await run(CLOUDFLARE);
    assert.deepEqual(named(program, "edge-clients").additionalSecretOutputs, ["stdout", "stderr"]);
    for (const { name, inputs } of program.registrations) {
      const holds = JSON.stringify(inputs).includes("PRIVATE KEY");
      assert.equal(holds, name === "edge-client-certificate", name);
    }
  });
});

describe("a stack with a certificate of its own", () => {
  it("makes it on the host before the gateway, and asks nobody", async () => {
    const program = await run({ kind: "self-signed", hostname: "localhost" }, { calls: {}, otherConfig: {} });
    assert.deepEqual(ofCloudflare(program), []);
    assert.ok(waitsFor(program, "bluegreen-staging-gateway").has("edge-certificate"));
    assert.match(
      String(named(program, "edge-certificate").inputs["create"]),
      / self-signed 1 localhost 365 bluegreen-staging-gateway nginx:1\.30$/,
    );
  });
});
