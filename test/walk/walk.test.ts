import assert from "node:assert/strict";
import { overSsh, sharedConfig, sharedMachine, sharedStack } from "../e2e/shared.ts";
import { Enqueuer, jobsConfig, rows } from "../support/jobs.ts";
import { type Plan, startLoad } from "../support/load/load.ts";
import { until } from "../support/process.ts";
import { Stack } from "../support/stack.ts";
import { storedWrites } from "../support/visitors.ts";
import { draw } from "./model.ts";
import { Random } from "./random.ts";
import { Walk, observed } from "./walk.ts";

const STEPS = Number(process.env["BLUEGREEN_WALK_STEPS"] ?? "200");
const SEED = Number(process.env["BLUEGREEN_WALK_SEED"] ?? String(Date.now() % 1_000_000));
// A walk over SSH has the worst faults, one on this engine has jobs.
const kinds: Plan["kinds"] = {
  get: { clients: 3, pauseMs: 40 },
  post: { clients: 2, pauseMs: 60 },
  fresh: { clients: 1, pauseMs: 60 },
};

describe(`a random walk, seed ${SEED}`, function () {
  this.timeout(120_000 + STEPS * 120_000);
  let own: Stack | undefined;

  after(async () => {
    await own?.remove();
  });

  it(`of ${STEPS} steps: the right release serves, nothing is lost, doctor ends well`, async () => {
    const machine = overSsh ? await sharedMachine() : undefined;
    if (!overSsh) {
      own = await Stack.create("walk", { ...(await sharedConfig()), ...jobsConfig(6) });
      await own.upOk();
    }
    const stack = own ?? (await sharedStack());
    // So that there is a release to go back to from the first step on.
    for (const active of ["green", "blue"]) {
      stack.set({ active });
      await stack.upOk();
    }
    const random = new Random(SEED);
    const load = await startLoad({ url: stack.url, kinds, expect: ["blue", "green"] });
    const jobs = own && new Enqueuer(own, "walk", 5, 500);
    try {
      const walk = new Walk(stack, load, random, await observed(stack), machine);
      for (let number = 1; number <= STEPS; number++) {
        const step = draw(random, machine !== undefined);
        const began = performance.now();
        const came = await walk.take(step).catch((error: unknown) => {
          throw new Error(
            `step ${number} of seed ${SEED}, ${JSON.stringify(step)}: ${error instanceof Error ? error.message : String(error)}`,
          );
        });
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        console.log(`      ${number} ${JSON.stringify(step)}: ${came}; ${seconds} s`);
      }
      await walk.ends();
      await load.stop();
      const stored = await storedWrites(stack.url, load.name);
      const lost = (await load.writes()).filter((id) => !stored.has(id));
      assert.deepEqual(lost, [], "writes were acknowledged and are not there");
      const enqueued = await jobs?.stop();
      if (own !== undefined && enqueued !== undefined) await eachDoneOnce(own, enqueued.promised);
    } finally {
      await jobs?.stop();
      load.close();
    }
  });
});

async function eachDoneOnce(stack: Stack, promised: number): Promise<void> {
  const count = async (query: string): Promise<number> =>
    Number((await rows(stack, `SELECT count(*) FROM ${query}`))[0]?.[0]);
  await until(`${promised} jobs are done`, async () => (await count("jobs")) >= promised);
  assert.equal(await count("jobs WHERE runs <> 1"), 0);
  console.log(`      ${promised} jobs, each done once`);
}
