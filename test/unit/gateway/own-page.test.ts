import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mostHeld } from "../../../components/gateway/most-held.ts";
import { readPage } from "../../../components/gateway/own-page.ts";

describe("the team's own page of maintenance", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "own-page-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });
  const page = async (text: string): Promise<string> => {
    const file = join(folder, "page.html");
    await writeFile(file, text);
    return readPage(file);
  };

  it("is carried as the host's script can take it", async () => {
    assert.equal(await page("<p>soon</p>\r\n<p>back</p>"), "<p>soon</p>\n<p>back</p>\n");
  });

  it("is refused where it is missing or too large, with what to type", async () => {
    assert.throws(() => readPage(join(folder, "none.html")), /cannot be read: .*\n {2}fix: pulumi config rm/);
    await assert.rejects(page("x".repeat(262_145)), /is larger than 262144 bytes/);
  });
});

describe("how many requests may wait", () => {
  it("is bounded by the gateway's memory", () => {
    assert.deepEqual([16, 64, 128].map(mostHeld), [10, 256, 665]);
  });
});
