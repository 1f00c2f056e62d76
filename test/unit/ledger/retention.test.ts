import assert from "node:assert/strict";
import { extendRecent, type RecentRelease } from "../../../components/ledger/recent.ts";
import { keptImages } from "../../../components/ledger/retention.ts";
import { recordOf } from "../../support/fixtures.ts";

const one = (release: string, images: Record<string, string> = { api: `app:${release}` }) => ({
  release,
  images,
});
const recent = ["7", "6", "5", "4"].map((release) => one(release));

describe("the images that stay", () => {
  it("are those of the last releases that were live, the one that goes live now among them", () => {
    const specs = { blue: one("8"), green: one("7") };
    assert.deepEqual(keptImages(3, "blue", specs, recent), ["app:6", "app:7", "app:8"]);
    assert.deepEqual(keptImages(1, "blue", specs, recent), ["app:7", "app:8"], "the way back");
    assert.deepEqual(keptImages(100, "blue", specs, recent), ["app:4", "app:5", "app:6", "app:7", "app:8"]);
  });

  it("are those of both slots, however old or new the idle one's release is", () => {
    assert.deepEqual(keptImages(2, "blue", { blue: one("8"), green: one("1") }, recent), [
      "app:1",
      "app:7",
      "app:8",
    ]);
    assert.deepEqual(keptImages(2, "blue", { blue: one("8"), green: undefined }, recent), ["app:7", "app:8"]);
  });

  it("are the same after a flip back and forth, and after a run that changes nothing", () => {
    const specs = { blue: one("8"), green: one("7") };
    const before = keptImages(3, "blue", specs, recent);
    assert.deepEqual(keptImages(3, "blue", specs, [one("8"), ...recent]), before);
    assert.deepEqual(keptImages(3, "green", specs, [one("8"), ...recent]), before);
    assert.deepEqual(keptImages(3, "blue", specs, [one("7"), one("8"), ...recent]), before);
  });

  it("are of every part, and each is named once", () => {
    const blue = one("8", { api: "app:8", web: "web:8", worker: "app:8" });
    assert.deepEqual(keptImages(1, "blue", { blue, green: undefined }, []), ["app:8", "web:8"]);
  });
});

describe("what a stack's state remembers", () => {
  it("reaches as far back as images are kept", () => {
    const { lastFlip: report } = recordOf();
    const old: RecentRelease[] = Array.from({ length: 40 }, (_, index) => ({
      ...one(String(index)),
      ...{ color: "blue", from: "green", switchedAt: `before ${index}`, totalMs: 1 },
    }));
    const specs = { blue: one("b", { api: "app:b" }), green: one("g", { api: "app:g" }) };
    const extended = (retention: number) =>
      extendRecent(
        old,
        { ...report, flipped: true, switchedAt: "now" },
        {
          blue: { ...specs.blue, images: { api: "app:b" } },
          green: { ...specs.green, images: { api: "app:g" } },
        },
        retention,
      ).length;
    assert.deepEqual([extended(5), extended(30)], [20, 30]);
  });

  it("keeps what is kept on the host, however often two releases changed places since", () => {
    const { lastFlip: report } = recordOf();
    const at = (release: string, index: number): RecentRelease => ({
      ...one(release),
      ...{ color: "blue", from: "green", switchedAt: `before ${index}`, totalMs: 1 },
    });
    const flips = Array.from({ length: 40 }, (_, index) => at(index % 2 === 0 ? "a" : "b", index));
    const old = [...flips, ...["c", "d", "e", "f"].map((release, index) => at(release, 100 + index))];
    const specs = {
      blue: { release: "a", images: { api: "app:a" } },
      green: { release: "b", images: { api: "app:b" } },
    };
    const kept = extendRecent(old, { ...report, flipped: true, switchedAt: "now" }, specs, 5);
    assert.equal(kept.length, 23);
    assert.deepEqual([...new Set(kept.map(({ release }) => release))].sort(), ["a", "b", "c", "d", "e"]);
  });
});
