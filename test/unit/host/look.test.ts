import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { conclude } from "../../../components/host/look.ts";
import { remoteDirectory } from "../../../components/host/reach.ts";
import { type Found, parseLook, refuseFullDisk, warnings } from "../../../components/host/ssh-look.ts";
import { recordOf } from "../../support/fixtures.ts";

const NOW = 1_800_000_000_000;
const TEXT =
  "clock 1800000000\nengine 1.45\nmemoryMb 1987\ndiskFreeMb 20480\ndictionary green 0\nstart green 0\nconf abc\nend\n";
const read = (text: string, askedMs = NOW - 200, answeredMs = NOW + 1200) => {
  const found = parseLook(text, askedMs, answeredMs);
  assert.ok(found);
  return found;
};

describe("what a host over SSH says of itself", () => {
  it("is read whole", () => {
    assert.deepEqual(read(TEXT), {
      engine: { kind: "answers", apiVersion: 1.45 },
      root: undefined,
      memoryMb: 1987,
      diskFreeMb: 20480,
      clockSkewSeconds: 0,
      observation: {
        ...{ dictionary: "green 0", start: "green 0", conf: "abc" },
        ...{ certificate: undefined, watch: undefined, condemned: undefined },
        ...{ contracted: undefined, contracting: undefined },
      },
    });
  });

  it("counts for nothing when it was cut off", () => {
    for (const cut of [TEXT.replace("end\n", ""), TEXT.replace(/memoryMb.*\n/, ""), "Welcome!\n", ""]) {
      assert.equal(parseLook(cut, NOW, NOW), undefined, cut);
    }
  });

  for (const word of ["missing", "denied", "stopped"] as const) {
    it(`says that the engine is ${word}, which makes the preparation run again`, () => {
      const found = read(TEXT.replace("engine 1.45", `engine ${word}\nroot no`));
      assert.deepEqual([found.engine, found.root, found.observation.engine], [{ kind: word }, false, "gone"]);
    });
  }

  it("knows that the scripts are gone", () => {
    const found = read(TEXT.replace(/dictionary[^]*conf abc/, "scripts missing"));
    assert.equal(found.observation.scripts, "missing");
  });

  for (const [clock, skew] of [
    [1_800_000_000, 0],
    [1_799_999_990, -9],
    [1_800_000_100, 99],
  ]) {
    it(`takes a clock of ${clock} for ${skew} s off, not counting how long the answer took`, () => {
      assert.equal(read(TEXT.replace("1800000000", String(clock))).clockSkewSeconds, skew);
    });
  }

  it("comes out of look.sh, on this machine", () => {
    const text = execFileSync("components/host/look.sh", ["/nowhere"], { encoding: "utf8" });
    const found = parseLook(text, Date.now() - 30_000, Date.now());
    assert.ok(found);
    assert.equal(found.clockSkewSeconds, 0);
    assert.ok(found.memoryMb > 100 && found.diskFreeMb > 0, text);
    assert.equal(found.observation.scripts, "missing");
    assert.equal(typeof found.root, "boolean");
  });
});

describe("what a person is told of a host", () => {
  const found = (change: Partial<Found>): Found => ({ ...read(TEXT), ...change });

  it("is nothing, where all is well", () => {
    assert.deepEqual(warnings(found({ clockSkewSeconds: 5 }), "h"), []);
  });
  it("is a clock that is off by more than 5 s, and which way", () => {
    assert.match(
      warnings(found({ clockSkewSeconds: -312 }), "h").join(),
      /clock of h is 312 s behind this machine's/,
    );
    assert.match(warnings(found({ clockSkewSeconds: 6 }), "h").join(), /6 s ahead of/);
  });
  it("is a disk that is nearly full", () => {
    assert.match(warnings(found({ diskFreeMb: 300 }), "h").join(), /h has 300 MB of disk left/);
  });
  it("refuses a release where the disk is full, and says what to do", () => {
    for (const enough of [undefined, 256, 20_480]) refuseFullDisk(enough);
    assert.throws(() => {
      refuseFullDisk(255);
    }, /255 MB of disk left.*at least 256; nothing was changed\n {2}fix: .*docker image prune/);
  });
});

describe("a look at a host", () => {
  const ID = { project: "bluegreen", stack: "dev" };
  const directory = recordOf().directory;
  const at = (apiVersion: number | undefined, observe = () => Promise.reject(new Error("not asked"))) => ({
    reach: { kind: "local", engine: "unix:///x" } as const,
    directory,
    memoryMb: 1,
    apiVersion,
    observe,
  });

  it("takes the quick probe where the engine has it at the first up, and never where no engine is there yet", async () => {
    for (const [apiVersion, startInterval, engine] of [
      [1.44, true, "answers"],
      [1.41, false, "answers"],
      [undefined, false, "comes"],
    ] as const) {
      const look = await conclude(ID, undefined, at(apiVersion));
      assert.deepEqual([look.startInterval, look.engine], [startInterval, engine]);
    }
  });

  it("counts a lost engine as the host's repair, and keeps the probe of the first up", async () => {
    const look = await conclude(ID, recordOf({ startInterval: true }), {
      ...at(undefined),
      observe: () => Promise.resolve({ engine: "gone" as const }),
    });
    assert.deepEqual([look.repairs.host, look.startInterval, look.engine], [1, true, "comes"]);
  });

  it("keeps a stack's files in a folder of its own", () => {
    assert.equal(remoteDirectory(ID), "/var/lib/bluegreen/bluegreen-dev");
  });
});
