import type { ReleaseHistory } from "../../components/ledger/history.ts";
import { secondsOf } from "../../components/seconds-of.ts";

/** What the last deploy that ended well took, step by step, and its switch; of a stack without one the last switch. */
export function lastTime(history: readonly ReleaseHistory[]): string | undefined {
  const deploys = history.flatMap(({ runs, live }) =>
    runs.flatMap(({ command, ended }) =>
      command === "deploy" && ended?.ok === true ? [{ ...ended, flip: live[0] }] : [],
    ),
  );
  const last = deploys.at(-1);
  const flip = last === undefined ? history.findLast(({ live }) => live.length > 0)?.live.at(-1) : last.flip;
  const switched =
    flip === undefined ? [] : [`switch took ${secondsOf(flip.totalMs)}, ${flip.bakeMs} ms of it watching`];
  if (last === undefined) return switched.map((took) => `the last ${took}`)[0];
  const steps = Object.entries(last.milliseconds);
  const total = steps.reduce((sum, [, took]) => sum + took, 0);
  const each = steps.map(([step, took]) => `${step} ${secondsOf(took)}`).join(", ");
  return [
    `the last deploy took ${secondsOf(total)} (${each})`,
    ...switched.map((took) => `its ${took}`),
  ].join("; ");
}
