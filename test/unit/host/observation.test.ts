import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gatewayFiles } from "../../../components/gateway/nginx.ts";
import {
  type Observation,
  type Repairs,
  countRepairs,
  hashFiles,
  parseObservation,
} from "../../../components/host/observation.ts";

const NONE = { host: 0, scripts: 0, switch: 0, gateway: 0, certificate: 0 };
const BELIEVED = { live: "blue", canary: 0, conf: "c0ffee", certificate: { fingerprint: "f00d" } } as const;

/** Of what a host has nothing to say. */
const SILENT: Observation = {
  dictionary: undefined,
  watch: undefined,
  condemned: undefined,
  contracted: undefined,
  contracting: undefined,
};

describe("what the host says of itself", () => {
  it("is read line by line, and what is not known is left out", () => {
    assert.deepEqual(parseObservation("dictionary green 10\nstart missing\nweather fine\n"), {
      dictionary: "green 10",
      start: "missing",
      conf: undefined,
      certificate: undefined,
      watch: undefined,
      condemned: undefined,
      contracted: undefined,
      contracting: undefined,
    });
  });

  it("comes out of observe.sh with the hash of the configuration that was rendered", () => {
    const directory = mkdtempSync(join(tmpdir(), "observe-"));
    try {
      const files = gatewayFiles({ upstreams: { blue: "blue:8000", green: "green:8000" } });
      for (const { path, content } of [
        ...files,
        { path: "start", content: "live green\ncanary 0\n" },
        { path: "0123456789abcdef/old.js", content: "old" },
      ]) {
        mkdirSync(dirname(join(directory, "gateway/conf", path)), { recursive: true });
        writeFileSync(join(directory, "gateway/conf", path), content);
      }
      const observe = () =>
        parseObservation(execFileSync("components/host/observe.sh", [directory], { encoding: "utf8" }));
      assert.deepEqual(observe(), {
        ...SILENT,
        start: "green 0",
        certificate: "missing",
        conf: hashFiles(files),
      });
      writeFileSync(join(directory, "gateway/conf/nginx.conf"), `${files.at(-1)?.content ?? ""}# by hand\n`);
      assert.notEqual(observe().conf, hashFiles(files));
      rmSync(join(directory, "gateway/conf"), { recursive: true });
      writeFileSync(join(directory, "contracted"), "2026-01-01T00:00:00Z 43 43 42\n");
      writeFileSync(join(directory, "contracting"), "2026-01-02T00:00:00Z 44 44 43\ngreen 0001\n");
      assert.deepEqual(observe(), {
        ...SILENT,
        contracted: "2026-01-01T00:00:00Z 43 43 42",
        contracting: "2026-01-02T00:00:00Z 44 44 43",
        start: "missing",
        certificate: "missing",
        conf: "missing",
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("repairs", () => {
  const cases: readonly (readonly [string, Observation, Partial<Repairs>])[] = [
    ["an engine that is gone", { engine: "gone" }, { host: 1 }],
    ["scripts that are gone", { scripts: "missing" }, { scripts: 1 }],
    ["a host as it was left", { dictionary: "blue 0", start: "blue 0", conf: "c0ffee" }, NONE],
    ["a gateway that does not answer", { start: "blue 0", conf: "c0ffee" }, NONE],
    ["a gateway on the other colour", { dictionary: "green 0", start: "green 0" }, { switch: 1 }],
    ["a start file on the other colour", { dictionary: "blue 0", start: "green 0" }, { switch: 1 }],
    ["a gateway without a colour", { dictionary: "none 0", start: "blue 0" }, { switch: 1 }],
    ["a canary set by hand", { dictionary: "blue 50", start: "blue 0" }, { switch: 1 }],
    ["maintenance turned on by hand", { dictionary: "blue 0 600", start: "blue 0" }, { switch: 1 }],
    ["a start file that is gone", { dictionary: "blue 0", start: "missing" }, { switch: 1 }],
    ["a configuration changed by hand", { start: "blue 0", conf: "bad" }, { gateway: 1 }],
    ["a certificate as it was left", { start: "blue 0", certificate: "f00d" }, NONE],
    ["a certificate that is gone", { start: "blue 0", certificate: "missing" }, { certificate: 1 }],
    ["a configuration that is gone", { start: "missing", conf: "missing" }, { switch: 1, gateway: 1 }],
  ];
  for (const [what, observed, expected] of cases) {
    it(`for ${what}: ${Object.keys(expected).join(", ")}`, () => {
      assert.deepEqual(countRepairs(NONE, observed, BELIEVED), { ...NONE, ...expected });
    });
  }

  it("count up from what they were", () => {
    assert.deepEqual(
      countRepairs(
        { host: 3, scripts: 1, switch: 4, gateway: 2, certificate: 3 },
        { dictionary: "none 0" },
        BELIEVED,
      ),
      {
        host: 3,
        scripts: 1,
        switch: 5,
        gateway: 2,
        certificate: 3,
      },
    );
  });

  it("leave a host alone that shows no certificate, whatever lies there from before", () => {
    const plain = { ...BELIEVED, certificate: null };
    assert.deepEqual(countRepairs(NONE, { certificate: "f00d" }, plain), NONE);
  });
});
