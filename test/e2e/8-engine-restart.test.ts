import assert from "node:assert/strict";

import { PrivateEngine } from "../support/engine.ts";
import { tagOf } from "../support/images.ts";
import { startLoad } from "../support/load/load.ts";
import { run, until } from "../support/process.ts";
import { Stack } from "../support/stack.ts";
import { localTarget } from "../support/target.ts";
import { describeReport } from "../support/visitors.ts";
import { sharedConfig, nothingToDo } from "./shared.ts";

describe("a Docker engine that is restarted", function () {
  this.timeout(900_000);
  let engine: PrivateEngine | undefined;
  let stack: Stack | undefined;

  after(async () => {
    await stack?.remove();
    await engine?.remove();
  });

  it("brings everything back by itself, on the right colour, with all that was written", async () => {
    engine = await PrivateEngine.start();
    const { address, prefix } = engine;
    const config = await sharedConfig();
    await engine.load(
      "nginx:1.30",
      "postgres:18",
      "redis:8",
      `bluegreen-sample-api:${tagOf("1")}`,
      `bluegreen-sample-api:${tagOf("2")}`,
    );
    const made = await Stack.create("engine", config, localTarget(address, prefix));
    stack = made;
    await made.upOk();
    // Not the colour it began with: only the start file can know.
    made.set({ active: "green" });
    await made.upOk();

    const kinds = { get: { clients: 4, pauseMs: 20 }, post: { clients: 2, pauseMs: 20 } };
    const load = await startLoad({ url: made.url, kinds, expect: ["green"] }, prefix);
    try {
      const answering = async (): Promise<boolean> => {
        const [command = "", ...inside] = prefix;
        const curl = [
          "curl",
          "--silent",
          "--fail",
          "--max-time",
          "1",
          "--output",
          "/dev/null",
          `${made.url}/items?limit=1`,
        ];
        return (await run(command, [...inside, ...curl])).code === 0;
      };
      await until("visitors are served", answering);
      await engine.restart();
      const began = performance.now();
      await until("visitors are served again", answering);
      console.log(`      served again ${Math.round(performance.now() - began)} ms after the engine was back`);
      assert.equal(await made.live(), "green");
      const report = await load.stop();
      assert.ok(report.failed > 0, "the engine was not down at all");
      assert.ok(
        !Object.keys(report.errors).some((error) => error.startsWith("answered by")),
        describeReport(report),
      );
      const query = "SELECT client_id FROM items";
      const rows = await engine.docker(
        "exec",
        made.container("postgres"),
        "psql",
        "-U",
        "app",
        "-d",
        "app",
        "-Atc",
        query,
      );
      const stored = new Set(rows.split("\n"));
      const written = await load.writes();
      assert.ok(written.length > 0);
      assert.deepEqual(
        written.filter((id) => !stored.has(id)),
        [],
      );
    } finally {
      load.close();
    }
    await nothingToDo(made);
    made.set({ active: "blue" });
    await made.upOk();
    assert.equal(await made.live(), "blue");
  });
});
