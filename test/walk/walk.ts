import assert from "node:assert/strict";
import { newId, nothingToDo, release } from "../e2e/shared.ts";
import { at } from "../support/json.ts";
import type { Load } from "../support/load/load.ts";
import type { TestMachine } from "../support/machine.ts";
import { type Result, type Running, until } from "../support/process.ts";
import type { Color, Stack } from "../support/stack.ts";
import { type Expectation, type Step, type World, expectation, otherColor } from "./model.ts";
import type { Random } from "./random.ts";

const COLORS = ["blue", "green"] as const;

/** A stack that is walked through, and what is known of it. */
export class Walk {
  readonly #stack: Stack;
  readonly #machine: TestMachine | undefined;
  readonly #load: Load;
  readonly #random: Random;
  #world: World;
  /** Releases that were live, by their images; the last is the last that was. */
  readonly #images = new Map<string, string>();
  #lost = 0;

  constructor(stack: Stack, load: Load, random: Random, world: World, machine?: TestMachine) {
    this.#stack = stack;
    this.#load = load;
    this.#random = random;
    this.#world = world;
    this.#machine = machine;
  }

  /** Carries out a step and holds what came of it against the model; a few words about it. */
  async take(step: Step): Promise<string> {
    const before = this.#world;
    const { ids, code, output } = await this.#carryOut(step);
    const expected = expectation(before, step, ids);
    assert.ok(
      code === undefined || expected.codes.includes(code),
      `exit ${String(code)}, expected ${expected.codes.join(" or ")}\n${output}`,
    );
    this.#world = await this.#agreed(expected, output);
    await this.#serves();
    const lost = await this.#lostMeanwhile();
    assert.ok(
      lost === 0 || expected.costsRequests,
      `${lost} requests lost; ${JSON.stringify((await this.#load.report()).failures.slice(-5))}`,
    );
    const { live, canary, slots } = this.#world;
    return `${code === undefined ? "" : `exit ${code}; `}${live} live, ${slots.blue}/${slots.green}${canary > 0 ? `, canary ${canary} %` : ""}${lost > 0 ? `, ${lost} requests lost` : ""}`;
  }

  /** What the host shows has to be one of what is expected. */
  async #agreed({ worlds }: Expectation, output: string): Promise<World> {
    const seen = await observed(this.#stack);
    const match = worlds.some((world) => JSON.stringify(world) === JSON.stringify(seen));
    assert.ok(match, `${JSON.stringify(seen)} is none of ${JSON.stringify(worlds)}\n${output}`);
    return seen;
  }

  /** Somebody serves, and it is the right release. */
  async #serves(): Promise<void> {
    const { live, canary, slots } = this.#world;
    const answer = await fetch(`${this.#stack.url}/version`);
    await answer.text();
    const allowed = [slots[live], ...(canary > 0 ? [slots[otherColor(live)]] : [])];
    assert.equal(answer.status, 200);
    assert.ok(
      allowed.includes(answer.headers.get("x-release") ?? ""),
      `${answer.headers.get("x-release")} answers, expected ${allowed.join(" or ")}`,
    );
  }

  async #lostMeanwhile(): Promise<number> {
    const { failed } = await this.#load.report();
    const since = failed - this.#lost;
    this.#lost = failed;
    return since;
  }

  async #carryOut(step: Step): Promise<Carried> {
    const stack = this.#stack;
    switch (step.kind) {
      case "deploy": {
        const made = await this.#make(step.fault);
        const flags = step.flip ? [] : ["--no-flip"];
        return told([made.id], await stack.bluegreen("deploy", ...made.words, ...flags));
      }
      case "promote":
        return told([], await stack.bluegreen("promote", "--to", String(step.percent)));
      case "rollback": {
        const back = await stack.bluegreen("rollback", "--json");
        return told([releaseIn(back)], back);
      }
      case "rollback-to": {
        const live = this.#world.slots[this.#world.live];
        const history = await stack.bluegreen("history", "--json");
        const others = this.#wentLive(JSON.parse(history.stdout))
          .filter((id) => id !== live)
          .slice(-3);
        const [first, ...more] = others;
        if (first === undefined) return nothing;
        const to = this.#random.one([first, ...more]);
        return told([to], await stack.bluegreen("rollback", "--to", to));
      }
      case "flip-by-hand": {
        stack.set({ active: otherColor(this.#world.live), canary: 0 });
        return { ids: [], ...(await stack.upOk()) };
      }
      case "kill-deploy":
        return await this.#killed(step.afterMs, step.then);
      case "interrupt-deploy":
        return await this.#cutOff(step.afterMs, (deploy) => {
          deploy.interrupt();
        });
      case "two-deploys":
        return await this.#twoDeploys();
      case "kill":
        return await this.#kill(step.part);
      case "restart-docker":
        await this.#ofMachine().execOk("systemctl", "restart", "docker");
        return await this.#wellAgain();
      case "cut-ssh": {
        const cut = await this.#cutOff(step.afterMs, () => this.#ofMachine().cutSsh());
        return { ...cut, ...(await this.#mend("up")), code: undefined };
      }
      case "fill-disk":
        return await this.#withFullDisk();
    }
  }

  #ofMachine(): TestMachine {
    if (this.#machine === undefined) throw new Error("this host may not be broken");
    return this.#machine;
  }

  async #make(fault: Parameters<typeof release>[1] = "none"): Promise<Made> {
    const id = newId();
    const { images } = await release(id, fault);
    this.#images.set(id, images.api);
    return { id, words: ["--image", `api=${images.api}`, "--release", id, "--by", "Walker", "--yes"] };
  }

  async #killed(afterMs: number, then: "rollback" | "up"): Promise<Carried> {
    const cut = await this.#cutOff(afterMs, (deploy) => deploy.killTree());
    // Refused at once, as in a canary, or over before the blow fell.
    if (cut.code === 0 || cut.code === 2) return cut.code === 0 ? { ...cut, code: undefined } : cut;
    await this.#stack.cancel();
    return { ...cut, ...(await this.#mend(then)), code: undefined };
  }

  /** What a person does after a run was cut off: takes it back, or carries it on. */
  async #mend(then: "rollback" | "up"): Promise<Pick<Carried, "output">> {
    const stack = this.#stack;
    if ((await stack.preview("--expect-no-changes")).code === 0) return { output: "" };
    switch (then) {
      case "rollback": {
        const back = await stack.bluegreen("rollback");
        assert.equal(back.code, 0, back.output);
        return back;
      }
      case "up":
        return await stack.upOk();
    }
  }

  async #cutOff(afterMs: number, how: (deploy: Running) => void | Promise<void>): Promise<Carried> {
    const made = await this.#make();
    const deploy = await this.#stack.startBluegreen("deploy", ...made.words);
    // Not waiting for a condition: where it falls is what is drawn.
    await Promise.race([deploy.done, new Promise((resolve) => setTimeout(resolve, afterMs))]);
    if (!deploy.ended) await how(deploy);
    const result = await deploy.done;
    await this.#stack.readConfig();
    return told([made.id], result);
  }

  async #twoDeploys(): Promise<Carried> {
    const both = [await this.#make(), await this.#make()];
    const running = await Promise.all(
      both.map(({ words }) => this.#stack.startBluegreen("deploy", ...words)),
    );
    const results = await Promise.all(running.map(({ done }) => done));
    await this.#stack.readConfig();
    const output = results.map((result) => `exit ${result.code}\n${result.output}`).join("\n");
    assert.ok(
      results.every(({ code }) => code >= 0 && code <= 2),
      output,
    );
    const refused = results.every(({ code }) => code === 2);
    const mended = refused ? { output: "" } : await this.#mend("rollback");
    return { ids: both.map(({ id }) => id), code: refused ? 2 : 0, output: output + mended.output };
  }

  async #kill(part: Extract<Step, { readonly kind: "kill" }>["part"]): Promise<Carried> {
    const { live } = this.#world;
    const name = part === "api-live" ? `api-${live}` : part === "api-idle" ? `api-${otherColor(live)}` : part;
    const pid = await this.#stack.docker(
      "inspect",
      "--format",
      "{{.State.Pid}}",
      this.#stack.container(name),
    );
    await this.#stack.target.run(["kill", "-KILL", pid]);
    return await this.#wellAgain();
  }

  /** Until all that was hit is healthy again by itself. */
  async #wellAgain(): Promise<Carried> {
    let output = "";
    await until("doctor finds nothing wrong", async () => {
      const doctor = await this.#stack.bluegreen("doctor");
      output = doctor.output;
      return doctor.code === 0;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${output}`);
    });
    return { ids: [], code: 0, output };
  }

  async #withFullDisk(): Promise<Carried> {
    const made = await this.#make();
    await this.#ofMachine().fillDisk(50);
    try {
      return told([made.id], await this.#stack.bluegreen("deploy", ...made.words));
    } finally {
      await this.#ofMachine().freeDisk();
    }
  }

  #wentLive(history: unknown): readonly string[] {
    assert.ok(Array.isArray(history));
    return history.flatMap((one: unknown) => {
      const [id, live] = [at(one, "release"), at(one, "live")];
      return typeof id === "string" && this.#images.has(id) && Array.isArray(live) && live.length > 0
        ? [id]
        : [];
    });
  }

  /** The state, the file and the host agree, and nothing is wrong. */
  async ends(): Promise<void> {
    await nothingToDo(this.#stack);
    const doctor = await this.#stack.bluegreen("doctor");
    assert.equal(doctor.code, 0, doctor.output);
  }
}

interface Made {
  readonly id: string;
  readonly words: readonly string[];
}

interface Carried {
  readonly ids: readonly string[];
  /** `undefined`: however it ended. */
  readonly code: number | undefined;
  readonly output: string;
}

const nothing: Carried = { ids: [], code: 0, output: "" };

function told(ids: readonly string[], { code, output }: Result): Carried {
  return { ids, code, output };
}

function releaseIn({ stdout }: Result): string {
  const [json] = /^\{[^]*\}$/m.exec(stdout.trim()) ?? ["null"];
  const release = at(JSON.parse(json), "release");
  return typeof release === "string" ? release : "";
}

/** The world as the host shows it. */
export async function observed(stack: Stack): Promise<World> {
  const state = await stack.control("GET", "/state");
  const label = (color: Color): Promise<string> =>
    stack.docker(
      "inspect",
      "--format",
      '{{index .Config.Labels "bluegreen.release"}}',
      stack.container(`api-${color}`),
    );
  const [blue, green] = await Promise.all(COLORS.map(label));
  const live = state["live"] === "green" ? "green" : "blue";
  assert.equal(state["live"], live);
  return { live, canary: Number(state["canary"]), slots: { blue: blue ?? "", green: green ?? "" } };
}
