import { EXIT } from "../../release/outcome.ts";
import type { Fault } from "../support/images.ts";
import type { Color } from "../support/stack.ts";
import type { Random } from "./random.ts";

/** What must hold between two steps. */
export interface World {
  readonly live: Color;
  readonly canary: number;
  readonly slots: Readonly<Record<Color, string>>;
}

const PARTS = ["api-live", "api-idle", "gateway", "postgres", "redis"] as const;
/** What ended before it listened for signals, and so before it began anything; a shell says 130 of it, too. */
const BY_SIGNAL = -1;
const PERCENTS = [10, 50, 100] as const;
const BAD = ["exit", "unhealthy"] as const;

export type Step =
  | { readonly kind: "deploy"; readonly fault: Fault; readonly flip: boolean }
  | { readonly kind: "promote"; readonly percent: (typeof PERCENTS)[number] }
  | { readonly kind: "rollback" }
  /** To a release that was live some time before. */
  | { readonly kind: "rollback-to" }
  /** As by `pulumi config set active` and `pulumi up`. */
  | { readonly kind: "flip-by-hand" }
  /** A deploy that is killed with its engine, or cut off by Ctrl-C, so long after it began. */
  | { readonly kind: "kill-deploy"; readonly afterMs: number; readonly then: "rollback" | "up" }
  | { readonly kind: "interrupt-deploy"; readonly afterMs: number }
  | { readonly kind: "two-deploys" }
  | { readonly kind: "kill"; readonly part: (typeof PARTS)[number] }
  /** Of the host; only where it is a machine of the test's own. */
  | { readonly kind: "restart-docker" }
  | { readonly kind: "cut-ssh"; readonly afterMs: number }
  | { readonly kind: "fill-disk" };

/** How often each is drawn, in parts of the sum. */
const WEIGHTS: Readonly<Record<Step["kind"], number>> = {
  deploy: 8,
  promote: 5,
  rollback: 4,
  "rollback-to": 2,
  "flip-by-hand": 2,
  "kill-deploy": 3,
  "interrupt-deploy": 2,
  "two-deploys": 2,
  kill: 4,
  "restart-docker": 2,
  "cut-ssh": 2,
  "fill-disk": 2,
};
const OF_A_MACHINE: ReadonlySet<Step["kind"]> = new Set(["restart-docker", "cut-ssh", "fill-disk"]);

/** The next step; `machine`: the host is one that may be broken. */
export function draw(random: Random, machine: boolean): Step {
  const kinds = Object.entries(WEIGHTS).filter(
    ([kind]) => machine || ![...OF_A_MACHINE].some((one) => one === kind),
  );
  let left = random.next() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  const [kind] = kinds.find(([, weight]) => (left -= weight) < 0) ?? ["deploy"];
  const afterMs = random.below(14_000);
  switch (kind) {
    case "promote":
      return { kind, percent: random.one(PERCENTS) };
    case "rollback":
    case "rollback-to":
    case "flip-by-hand":
    case "two-deploys":
    case "restart-docker":
    case "fill-disk":
      return { kind };
    case "kill-deploy":
      return { kind, afterMs, then: random.one(["rollback", "up"]) };
    case "interrupt-deploy":
    case "cut-ssh":
      return { kind, afterMs };
    case "kill":
      return { kind, part: random.one(PARTS) };
    default: {
      const fault = random.one<Fault>(["none", "none", "none", random.one(BAD), "slowstart"]);
      return { kind: "deploy", fault, flip: random.below(4) > 0 };
    }
  }
}

/** What may come of a step: how the command ends, the worlds there may be then, and whether visitors may lose requests. */
export interface Expectation {
  readonly codes: readonly number[];
  readonly worlds: readonly World[];
  readonly costsRequests: boolean;
}

export const otherColor = (color: Color): Color => (color === "blue" ? "green" : "blue");

/** `id`: the release that the step makes, or goes back to. */
export function expectation(world: World, step: Step, ids: readonly string[]): Expectation {
  const [id = ""] = ids;
  const same: Expectation = { codes: [EXIT.refused], worlds: [world], costsRequests: false };
  const free = (worlds: readonly World[], ...codes: readonly number[]): Expectation => ({
    codes,
    worlds,
    costsRequests: false,
  });
  switch (step.kind) {
    case "deploy":
      if (world.canary > 0) return same;
      if (step.fault === "exit" || step.fault === "unhealthy") return free([world], EXIT.failed);
      return free([step.flip ? released(world, id) : waits(world, id)], EXIT.done);
    case "promote":
      if (world.canary === step.percent) return same;
      return free([promoted(world, step.percent)], EXIT.done);
    case "rollback":
      if (world.canary > 0) return free([{ ...world, canary: 0 }], EXIT.done);
      return free([released(world, id)], EXIT.done);
    case "rollback-to":
      // There may be no other release that was live.
      if (ids.length === 0) return free([world], EXIT.done);
      if (world.canary > 0 && world.slots[otherColor(world.live)] !== id) return same;
      return free([released(world, id)], EXIT.done);
    case "flip-by-hand":
      return free([{ ...world, live: otherColor(world.live), canary: 0 }], EXIT.done);
    case "kill-deploy":
    case "cut-ssh":
      return world.canary > 0 ? same : free([world, waits(world, id), released(world, id)]);
    case "interrupt-deploy":
      // It may come before the refusal.
      if (world.canary > 0) return free([world], EXIT.refused, EXIT.interrupted, BY_SIGNAL);
      return free([world, released(world, id)], EXIT.done, EXIT.interrupted, BY_SIGNAL);
    case "two-deploys": {
      if (world.canary > 0) return same;
      const [a = "", b = ""] = ids;
      const both = [released(released(world, a), b), released(released(world, b), a)];
      return free(
        [world, released(world, a), released(world, b), ...both],
        EXIT.done,
        EXIT.refused,
        EXIT.failed,
      );
    }
    case "fill-disk":
      return world.canary > 0 ? same : free([world], EXIT.refused, EXIT.failed);
    case "kill":
      return {
        codes: [EXIT.done],
        worlds: [world],
        costsRequests: step.part !== "api-idle" || world.canary > 0,
      };
    case "restart-docker":
      return { codes: [EXIT.done], worlds: [world], costsRequests: true };
  }
}

function waits(world: World, id: string): World {
  return { ...world, slots: { ...world.slots, [otherColor(world.live)]: id } };
}

function released(world: World, id: string): World {
  return { ...waits(world, id), live: otherColor(world.live), canary: 0 };
}

function promoted(world: World, percent: number): World {
  return percent === 100
    ? { ...world, live: otherColor(world.live), canary: 0 }
    : { ...world, canary: percent };
}
