import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type LedgerEntry, ledgerLine, parseLedger } from "../../../components/ledger/entry.ts";
import { installScripts } from "../../support/host-scripts.ts";
import { type Result, run } from "../../support/process.ts";

const hold = (by: string): LedgerEntry => ({ event: "hold", at: "2026-01-02T03:04:05Z", by, seconds: 9 });

describe("ledger.sh", () => {
  let folder: string;
  let script: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "bluegreen-ledger-"));
    script = (await installScripts(folder))("ledger.sh");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const append = (input: string): Promise<Result> => run(script, [folder, "append"], { input });
  const kept = async (): Promise<readonly LedgerEntry[]> =>
    parseLedger(await readFile(path.join(folder, "ledger"), "utf8"));

  it("keeps entries in their order, names in any script among them", async () => {
    for (const by of ["Anna", "Łukasz 'ß' \"漢\""])
      assert.equal((await append(`${ledgerLine(hold(by))}\n`)).code, 0);
    assert.deepEqual(await kept(), [hold("Anna"), hold("Łukasz 'ß' \"漢\"")]);
  });

  // What file systems leave behind a power cut: a line's beginning, or zeroes where its bytes had not arrived.
  for (const [what, left] of [
    ["without its end", '{"event":"ho'],
    ["that is all zeroes", "\0".repeat(40)],
    ["that ends in zeroes", `{"event":"ho${"\0".repeat(9)}`],
  ] as const) {
    it(`begins a line of its own after one ${what}`, async () => {
      await writeFile(path.join(folder, "ledger"), `${ledgerLine(hold("Anna"))}\n${left}`);
      assert.equal((await append(`${ledgerLine(hold("Ben"))}\n`)).code, 0);
      assert.deepEqual(await kept(), [hold("Anna"), hold("Ben")]);
    });
  }

  it("takes one JSON object of a bounded length, and nothing else", async () => {
    for (const wrong of ["", "no object", '{"a":1}\n{"b":2}', `{"a":"${"x".repeat(17_000)}"}`])
      assert.equal((await append(wrong)).code, 1, wrong.slice(0, 20));
    assert.equal((await run("sh", ["-c", `test -e '${folder}/ledger'`])).code, 1);
  });
});
