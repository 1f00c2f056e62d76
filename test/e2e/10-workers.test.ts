import assert from "node:assert/strict";

import { run, until } from "../support/process.ts";
import { Enqueuer, enqueue, jobsConfig, rows } from "../support/jobs.ts";
import { type Color, Stack } from "../support/stack.ts";
import { itHere, liveOf, newId, nothingToDo, other, release, sharedConfig } from "./shared.ts";

const BEAT_SECONDS = 6;

describe("worker and beat", function () {
  this.timeout(1_200_000);
  let stack: Stack;
  let made: Stack | undefined;

  before(async function () {
    made = await Stack.create("workers", { ...(await sharedConfig()), ...jobsConfig(BEAT_SECONDS) });
    stack = made;
    const up = await stack.upOk();
    assert.match(up.output, /check: 3 containers of blue healthy/);
  });

  after(async () => {
    await made?.remove();
  });

  async function flip(): Promise<Color> {
    const to = other(liveOf(stack));
    stack.set({ active: to });
    await stack.upOk();
    return to;
  }

  const count = async (query: string) => Number((await rows(stack, `SELECT count(*) FROM ${query}`))[0]?.[0]);

  itHere(
    "thousands of jobs through flips, rollbacks and releases: each is done once, none is lost",
    async () => {
      const load = new Enqueuer(stack, "load");
      // The worker has more than it can do until its slot is released again, and a job in progress then.
      const backlog = 400;
      assert.equal(await enqueue(stack, "backlog", backlog, 100), undefined);
      const first = liveOf(stack);
      await flip();
      stack.set({ [first]: await release(newId()) });
      await stack.upOk();
      await flip();
      await flip();
      while ((await count("jobs")) < 3000) await flip();
      const { promised, failures } = await load.stop();
      assert.deepEqual(failures, []);
      const wanted = promised.length + backlog;
      await until("every job is done", async () => (await count("jobs")) >= wanted);

      assert.equal(await count("jobs"), wanted);
      const columns = "job_id, asked_color, asked_release, color, release, runs";
      assert.deepEqual(await rows(stack, `SELECT ${columns} FROM jobs WHERE runs <> 1 ORDER BY job_id`), []);
      assert.equal(await count("jobs WHERE color <> asked_color"), 0, "a job met the other colour's code");
      const left = await count("jobs WHERE release <> asked_release");
      assert.ok(left > 0, "no job was left to its colour's next release");
      assert.ok((await count("jobs WHERE release = asked_release AND job_id ~ 'backlog'")) > 0);
      for (const color of ["blue", "green"])
        assert.ok((await count(`jobs WHERE color = '${color}'`)) > 100, color);
      await nothingToDo(stack);
      console.log(`      ${wanted} jobs, each done once; ${left} by the next release of their colour`);
    },
  );

  itHere(
    "one beat at a time: no tick is missed or made twice by flips or a beat that is killed",
    async () => {
      const watch = watchBeats(stack);
      const ticks = async () =>
        (await rows(stack, `SELECT extract(epoch FROM at), asked_color FROM ticks ORDER BY at`)).map(
          ([at, color]) => ({ at: Number(at), color }),
        );
      const began = (await ticks()).length;
      /** Until the live colour's beat has made so many more. */
      const more = async (color: Color, times: number) => {
        const before = (await ticks()).filter((tick) => tick.color === color).length;
        await until(
          `${times} ticks of ${color}`,
          async () => (await ticks()).filter((tick) => tick.color === color).length >= before + times,
        );
      };
      await more(liveOf(stack), 1);
      for (let i = 0; i < 3; i++) await more(await flip(), 2);
      const live = liveOf(stack);
      await killContainer(stack, `beat-${live}`);
      await more(live, 2);
      // The kill at the worst moment: the other colour's may only begin when this one is gone.
      stack.set({ active: other(live) });
      const [up] = await Promise.all([stack.up(), killContainer(stack, `beat-${live}`)]);
      assert.equal(up.code, 0, up.output);
      await more(other(live), 2);

      const { together, seen } = await watch.stop();
      assert.equal(together, 0, "two beats ran at once");
      assert.deepEqual([...seen].sort(), ["blue", "green"]);
      const gaps = (await ticks()).slice(Math.max(0, began - 1)).map(({ at }) => at);
      for (const [i, at] of gaps.slice(1).entries()) {
        const gap = at - (gaps[i] ?? 0);
        // Far from the time in between: a busy machine puts off one tick and not the next. A tick that two beats make comes at once.
        assert.ok(gap > BEAT_SECONDS / 4, `two ticks within ${gap.toFixed(1)} s`);
      }
      const worst = Math.max(...gaps.slice(1).map((at, i) => at - (gaps[i] ?? 0)));
      console.log(
        `      ${gaps.length} ticks, each ${BEAT_SECONDS} s; the longest wait was ${worst.toFixed(1)} s`,
      );
    },
  );

  itHere("both colours' beats are healthy, the waiting one too, and say which they are", async () => {
    for (const color of ["blue", "green"] as const) {
      const name = stack.container(`beat-${color}`);
      assert.equal(await stack.docker("inspect", "--format", "{{.State.Health.Status}}", name), "healthy");
      const role = await stack.docker("exec", name, "cut", "-d", " ", "-f2", "/tmp/only-when-live");
      assert.equal(role, color === liveOf(stack) ? "running" : "waiting");
    }
  });
});

/** Looks all the while at who runs the beat's command; blue twice, so that a handover between two looks is not taken for two. */
function watchBeats(stack: Stack) {
  const stopping = new AbortController();
  let together = 0;
  const seen = new Set<string>();
  const runs = async (color: Color) => {
    const top = await run("docker", ["top", stack.container(`beat-${color}`), "-eo", "pid,args"]);
    const found = top.stdout
      .split("\n")
      .some((line) => /celery .* beat/.test(line) && !/only-when/.test(line));
    if (found) seen.add(color);
    return found;
  };
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const found = [await runs("blue"), await runs("green"), await runs("blue")];
      if (found.every(Boolean)) together++;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await done;
      return { together, seen };
    },
  };
}

/** As the kernel kills for memory, so that Docker starts it again; `docker kill` would count as stopped by hand. */
async function killContainer(stack: Stack, what: string): Promise<void> {
  const pid = Number(await stack.docker("inspect", "--format", "{{.State.Pid}}", stack.container(what)));
  assert.ok(pid > 1, `${what} does not run`);
  process.kill(pid, "SIGKILL");
}
