import { clock } from "../clock.ts";
import type { Observation } from "../host/observation.ts";
import { parseColor } from "../host/observation.ts";
import type { StackRecord } from "../slot/record.ts";
import { removeCommand, setCommand } from "./commands.ts";
import { type Problem, shown } from "./problems.ts";
import { restore } from "./release-rules.ts";
import { type Settings, otherColor } from "./schema.ts";

type Watched = Pick<Observation, "watch" | "condemned">;

/**
 * What the host's watch says against a config: the way back of a release that is being watched stays as it is, and a release that
 * visitors were taken back from does not get them again.
 */
export function checkWatch(
  settings: Pick<Settings, "active" | "blue" | "green" | "canary">,
  previous: StackRecord | undefined,
  watch: Watched,
): Problem[] {
  if (previous === undefined) return [];
  return [...wayBack(settings, previous, watch), ...condemned(settings, watch)];
}

function wayBack(
  settings: Pick<Settings, "blue" | "green">,
  { slots }: StackRecord,
  { watch }: Watched,
): Problem[] {
  const [first, release = "", until = ""] = watch?.split(" ") ?? [];
  const color = parseColor(first);
  if (color === undefined) return [];
  const back = otherColor(color);
  const running = slots[back];
  const wanted = settings[back]?.release;
  if (running === null || wanted === running.release) return [];
  return [
    {
      key: `${back}.release`,
      got: shown(wanted),
      allowed: `${shown(running.release)} until ${clock(Number(until))}: release ${release} on ${color} is being watched, and this is its way back`,
      fix: `npx bluegreen watch --stop, or put it back: ${restore(back, running)}`,
    },
  ];
}

function condemned(
  { active, canary, ...settings }: Pick<Settings, "active" | "blue" | "green" | "canary">,
  watch: Watched,
): Problem[] {
  const bad = new Set(watch.condemned?.split(" ") ?? []);
  const idle = otherColor(active);
  const [serves, tried] = [settings[active]?.release, settings[idle]?.release];
  const allowed =
    "a release that the watch did not take the visitors back from; history says why: release a mended one";
  if (serves !== undefined && bad.has(serves)) {
    const got = `${shown(active)}, which runs release ${serves}`;
    return [{ key: "active", got, allowed, fix: setCommand(["active"], idle) }];
  }
  if (canary > 0 && tried !== undefined && bad.has(tried)) {
    const got = `${canary} for release ${tried} on ${idle}`;
    return [{ key: "canary", got, allowed, fix: removeCommand(["canary"]) }];
  }
  return [];
}
