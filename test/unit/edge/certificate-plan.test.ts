import assert from "node:assert/strict";
import { generationOf, parseCertificate } from "../../../components/edge/certificate-plan.ts";

const CERTIFICATE = {
  generation: 3,
  fingerprint: "f00d",
  notBefore: "2026-01-01T00:00:00Z",
  notAfter: "2026-12-31T00:00:00Z",
};

describe("which certificate a run wants", () => {
  it("is the first where there is none", () => {
    assert.equal(generationOf(undefined, new Date()), 1);
    assert.equal(generationOf(null, new Date()), 1);
  });

  for (const [now, generation, why] of [
    ["2026-01-01T00:00:00Z", 3, "new"],
    ["2026-08-30T00:00:00Z", 3, "a third and some days left"],
    ["2026-09-01T00:00:00Z", 4, "in its last third"],
    ["2027-06-01T00:00:00Z", 4, "over"],
  ] as const) {
    it(`is ${generation} with number 3 ${why}`, () => {
      assert.equal(generationOf(CERTIFICATE, new Date(now)), generation);
    });
  }

  it("does not change between a preview and the `up` after it", () => {
    const at = (now: string) => generationOf(CERTIFICATE, new Date(now));
    assert.equal(at("2026-10-01T10:00:00Z"), at("2026-10-01T12:00:00Z"));
  });
});

describe("what certificates.sh says of the certificate that serves", () => {
  it("is kept for the next run", () => {
    const text = "fingerprint f00d\nnotBefore 2026-01-01T00:00:00Z\nnotAfter 2026-12-31T00:00:00Z\n";
    assert.deepEqual(parseCertificate(text, 3), CERTIFICATE);
  });

  it("is not guessed where it is cut off", () => {
    assert.throws(() => parseCertificate("fingerprint f00d\n", 3), /notBefore/);
  });
});
