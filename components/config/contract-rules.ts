import type { Observation } from "../host/observation.ts";
import { type ContractRecord, brokenBy, contractSeen, contracting } from "../slot/contract.ts";
import type { StackRecord } from "../slot/record.ts";
import { removeCommand, replaceCommand, setCommand } from "./commands.ts";
import type { Parsed } from "./parse.ts";
import { type Problem, shown } from "./problems.ts";
import { type Color, COLORS } from "./schema.ts";

type Wanted = Pick<Parsed["settings"], "active" | "canary" | "blue" | "green">;

/**
 * A contract migration runs while the live release serves, so that one must not need what goes away; and afterwards there is
 * no way back to a release that does.
 */
export function checkContract(settings: Wanted, previous: StackRecord | undefined): Problem[] {
  if (previous === undefined) return [];
  const { live, slots, contract } = previous;
  const now = contracting(settings, previous);
  const running = slots[live]?.release;
  const needed =
    now === undefined || running === undefined || now.worksWith.includes(running)
      ? []
      : [
          {
            key: `${now.color}.migration.worksWith`,
            got: JSON.stringify(now.worksWith),
            allowed: `a list with ${shown(running)}, which is live while the migration takes away: release one first that does not need it, and name that`,
            // Not another kind: that would carry out the same under the old code.
            fix: restored(now.color, slots[now.color]),
          },
        ];
  return [...needed, ...wayBackTo(settings, previous, contract, "took away")];
}

/** The commands that make a slot say what it runs. */
function restored(color: Color, running: StackRecord["slots"][Color]): string {
  if (running === null) return removeCommand([color]);
  return replaceCommand([color], { release: running.release, images: running.images });
}

/**
 * The same against what the host alone knows: a migration of a run that failed afterwards, or that was cut off, of which the state
 * heard nothing.
 */
export function checkContracted(
  settings: Wanted,
  previous: StackRecord | undefined,
  seen: Pick<Observation, "contracted" | "contracting">,
): Problem[] {
  if (previous === undefined) return [];
  const [done, begun] = [contractSeen(seen.contracted, previous), contractSeen(seen.contracting, previous)];
  return [
    ...wayBackTo(settings, previous, done && brokenBy(done, previous), "took away"),
    ...wayBackTo(
      settings,
      previous,
      begun && brokenBy(begun, previous),
      "may have taken away before it was cut off (the next release's migration finds out)",
    ),
  ].filter(({ key }, index, all) => all.findIndex((other) => other.key === key) === index);
}

function wayBackTo(
  settings: Wanted,
  { live, slots }: StackRecord,
  contract: ContractRecord | undefined,
  lost: string,
): Problem[] {
  if (contract === undefined) return [];
  const { active, canary = 0 } = settings;
  const running = slots[live]?.release;
  return COLORS.flatMap((color) => {
    const wanted = settings[color]?.release;
    if (wanted === undefined || !contract.breaks.includes(wanted)) return [];
    const begins = wanted !== slots[color]?.release;
    // What stands there without visitors hurts nobody, and what is live stays so.
    const stays = active === color ? color === live : canary === 0;
    if (!begins && stays) return [];
    const [key, got] = begins
      ? [`${color}.release`, shown(wanted)]
      : active === color
        ? ["active", `${shown(color)}, and ${color} runs release ${wanted}`]
        : ["canary", `${shown(canary)}, and ${color} runs release ${wanted}`];
    return [
      {
        ...{ key, got },
        allowed: `a release that does without what the migration of ${shown(contract.release)} ${lost}; mend forward, or restore a dump`,
        fix:
          begins && running !== undefined
            ? setCommand([color, "release"], slots[color]?.release ?? running)
            : active === color
              ? setCommand(["active"], live)
              : setCommand(["canary"], 0),
      },
    ];
  });
}
