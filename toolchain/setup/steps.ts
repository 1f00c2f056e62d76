/** How a step came by its result. */
export type How = "found" | "downloaded" | "built" | "cached" | "installed" | "started";

export interface Outcome {
  readonly how: How;
  /** Version, place, or what else is worth a few words. */
  readonly note?: string;
}

/** What a step is given while it runs. */
export interface StepIo {
  /** The file that takes the output of the step's commands. */
  readonly log: string;
  /** Says on the terminal what takes long; only the first call of a text is shown. */
  readonly say: (text: string) => void;
  /** Runs work that needs the whole machine; only a few of these run at once. */
  readonly heavy: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface Step {
  readonly name: string;
  readonly needs: readonly string[];
  run(io: StepIo): Promise<Outcome>;
}

/** A step that cannot be done, with what the person at the keyboard has to do. */
export class StepError extends Error {
  readonly advice: string;
  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

export interface Reporter {
  log(step: string): string;
  say(step: string, text: string): void;
  done(step: string, outcome: Outcome, seconds: number): void;
  failed(step: string, error: unknown): Promise<void>;
}

/**
 * The steps that are wanted and all they need, each after its needs.
 * @throws Error for a name that is no step, and for steps that need each other
 */
export function planSteps(all: readonly Step[], wanted: readonly string[]): Step[] {
  const byName = new Map(all.map((step) => [step.name, step]));
  const planned: Step[] = [];
  const open = new Set<string>();
  const visit = (name: string, from: string): void => {
    const step = byName.get(name);
    if (step === undefined) throw new Error(`${from} needs the step "${name}", which does not exist`);
    if (planned.includes(step)) return;
    if (open.has(name)) throw new Error(`steps need each other: ${[...open, name].join(" → ")}`);
    open.add(name);
    for (const need of step.needs) visit(need, name);
    open.delete(name);
    planned.push(step);
  };
  for (const name of wanted) visit(name, "the target");
  return planned;
}

/** The largest build takes 3.5 GB of memory; more than two only get in each other's way. */
const BUILD_BYTES = 4 * 1024 ** 3;

/** How many builds may run at once, with so much memory free. */
export const buildsAtOnce = (freeBytes: number): number =>
  Math.max(1, Math.min(2, Math.floor(freeBytes / BUILD_BYTES)));

/** Lets at most `places` pieces of work run at once. */
export function limiter(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/**
 * Runs planned steps, each as soon as its needs are met. A failed step stops only what needs it: the rest is finished,
 * so that the next run finds it done.
 * @returns the names of the steps that failed
 */
export async function runSteps(
  planned: readonly Step[],
  reporter: Reporter,
  heavyAtOnce = 2,
): Promise<string[]> {
  const heavy = limiter(heavyAtOnce);
  const failed: string[] = [];
  const results = new Map<string, Promise<boolean>>();
  const runOne = async (step: Step): Promise<boolean> => {
    const needs = await Promise.all(step.needs.map((need) => results.get(need) ?? Promise.resolve(true)));
    if (needs.includes(false)) return false;
    const begun = performance.now();
    const said = new Set<string>();
    try {
      const outcome = await step.run({
        log: reporter.log(step.name),
        heavy,
        say: (text) => {
          if (!said.has(text)) reporter.say(step.name, text);
          said.add(text);
        },
      });
      reporter.done(step.name, outcome, (performance.now() - begun) / 1000);
      return true;
    } catch (error) {
      failed.push(step.name);
      await reporter.failed(step.name, error);
      return false;
    }
  };
  for (const step of planned) results.set(step.name, runOne(step));
  await Promise.all(results.values());
  return failed;
}
