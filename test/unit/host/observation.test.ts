import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gatewayFiles } from "../../../components/gateway/nginx.ts";
import { countRepairs, hashFiles, parseObservation } from "../../../components/host/observation.ts";

const NONE = { switch: 0, gateway: 0 };
const BELIEVED = { live: "blue", conf: "c0ffee" } as const;

describe("what the host says of itself", () => {
  it("is read line by line, and what is not known is left out", () => {
    assert.deepEqual(parseObservation("dictionary green\nstart none\nconf abc\nweather fine\n"), {
      dictionary: "green",
      start: "none",
      conf: "abc",
    });
    assert.deepEqual(parseObservation("dictionary purple\n"), {});
  });

  it("comes out of observe.sh with the hash of the configuration that was rendered", () => {
    const directory = mkdtempSync(join(tmpdir(), "observe-"));
    try {
      const files = gatewayFiles({ upstreams: { blue: "blue:8000", green: "green:8000" } });
      for (const { path, content } of [
        ...files,
        { path: "start", content: "live green\n" },
        { path: "0123456789abcdef/old.js", content: "old" },
      ]) {
        mkdirSync(dirname(join(directory, "gateway/conf", path)), { recursive: true });
        writeFileSync(join(directory, "gateway/conf", path), content);
      }
      const observe = () =>
        parseObservation(execFileSync("components/host/observe.sh", [directory], { encoding: "utf8" }));
      assert.deepEqual(observe(), { start: "green", conf: hashFiles(files) });
      writeFileSync(join(directory, "gateway/conf/nginx.conf"), `${files.at(-1)?.content ?? ""}# by hand\n`);
      assert.notEqual(observe().conf, hashFiles(files));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("repairs", () => {
  it("are counted up only where the host is not what the state believes", () => {
    assert.deepEqual(countRepairs(NONE, undefined, BELIEVED), NONE);
    assert.deepEqual(
      countRepairs(NONE, { dictionary: "blue", start: "blue", conf: "c0ffee" }, BELIEVED),
      NONE,
    );
  });

  it("make the switch run again when the host is on the other colour, or will be after a restart", () => {
    assert.deepEqual(countRepairs(NONE, { dictionary: "green", start: "green" }, BELIEVED), {
      switch: 1,
      gateway: 0,
    });
    assert.deepEqual(countRepairs(NONE, { dictionary: "blue", start: "green" }, BELIEVED), {
      switch: 1,
      gateway: 0,
    });
    assert.deepEqual(countRepairs({ switch: 4, gateway: 2 }, { dictionary: "none" }, BELIEVED), {
      switch: 5,
      gateway: 2,
    });
    assert.deepEqual(countRepairs(NONE, { dictionary: "blue", conf: "c0ffee" }, BELIEVED), {
      switch: 1,
      gateway: 0,
    });
  });

  it("make the gateway's configuration be written again when it was changed by hand", () => {
    assert.deepEqual(countRepairs(NONE, { start: "blue", conf: "bad" }, BELIEVED), { switch: 0, gateway: 1 });
  });
});
