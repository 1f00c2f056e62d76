import { birthOf } from "../host/ec2/plan.ts";
import { IMAGES, type ImageName } from "../slot/parts.ts";
import type { StackRecord } from "../slot/record.ts";
import { dotted, removeCommand, setCommand } from "./commands.ts";
import type { Parsed } from "./parse.ts";
import { type Problem, shown } from "./problems.ts";
import { type Color, type Release, COLORS, otherColor } from "./schema.ts";

type Checked = Pick<Parsed, "settings" | "unsound">;

/** Visitors are sent only where there is a release. */
export function checkActive({ settings, unsound }: Checked): Problem[] {
  const { active, canary = 0 } = settings;
  if (active === undefined) return [];
  const problems: Problem[] = [];
  if (settings[active] === undefined && !unsound.has(active)) {
    problems.push({
      key: "active",
      got: `"${active}", a slot without a release`,
      allowed: "a colour whose slot has a release",
      fix: settings[otherColor(active)] ? setCommand(["active"], otherColor(active)) : setCommand([active]),
    });
  }
  const idle = otherColor(active);
  if (canary > 0 && settings[idle] === undefined && !unsound.has(idle)) {
    problems.push({
      key: "canary",
      got: `${canary} while ${idle} has no release`,
      allowed: "0 as long as the idle slot is empty",
      fix: setCommand(["canary"], 0),
    });
  }
  return problems;
}

/** Invariant 2, and one release at a time: the way back must stay as it is while the new one is tried. */
export function checkRelease({ settings, unsound }: Checked, previous: StackRecord | undefined): Problem[] {
  if (previous === undefined || unsound.has(previous.live)) return [];
  const { live } = previous;
  const idle = otherColor(live);
  const running = previous.slots[live];
  const wanted = settings[live];
  if (running === null || wanted?.release === running.release) return [];
  const idleChanges = settings[idle]?.release !== previous.slots[idle]?.release;
  const got = wanted === undefined ? "nothing" : shown(wanted.release);
  const back = restore(live, running);
  if (settings.active !== undefined && settings.active !== live) {
    return [
      {
        key: `${live}.release`,
        got,
        allowed: `${shown(running.release)}, because ${live} is live; this file is older, or of another checkout (rollback makes it say what runs)`,
        fix: "npx bluegreen rollback",
      },
    ];
  }
  return [
    idleChanges && wanted !== undefined && settings[idle] !== undefined
      ? {
          key: `${live}.release`,
          got: `${got} while ${idle}.release changes too, to ${shown(settings[idle].release)}`,
          allowed: `one slot's release at a time; ${live} is live and stays ${shown(running.release)}`,
          fix: back,
        }
      : {
          key: `${live}.release`,
          got,
          allowed: `${shown(running.release)}, because ${live} is live; release onto ${idle}, then flip`,
          fix: wanted === undefined || unsound.has(idle) ? back : `${back} && ${restore(idle, wanted)}`,
        },
  ];
}

/** A release asks the host what it has; a machine that is made anew cannot be asked before it is there. */
export function checkMachineAlone(
  { host, ...settings }: Parsed["settings"],
  region: string | undefined,
  previous: StackRecord | undefined,
): Problem[] {
  if (host?.kind !== "ec2" || region === undefined || previous?.ec2 === undefined) return [];
  if (birthOf(host, region) === previous.ec2.birth) return [];
  return COLORS.flatMap((color) => {
    const wanted = settings[color]?.release;
    const running = previous.slots[color];
    return wanted === undefined || wanted === running?.release
      ? []
      : [
          {
            key: `${color}.release`,
            got: `${shown(wanted)} while the machine is made anew`,
            allowed: `${shown(running?.release)}: first the machine, with the releases it has, then a release`,
            fix: running === null ? removeCommand([color]) : restore(color, running),
          },
        ];
  });
}

/** The commands that put a release, id and images, onto a slot. */
export function restore(color: Color, { release, images }: Pick<Release, "release" | "images">): string {
  return setCommand([color], { release, images });
}

/** Visitors of a canary are visitors: the idle slot is not replaced while some are sent to it. */
export function checkCanary({ settings, unsound }: Checked, previous: StackRecord | undefined): Problem[] {
  if (previous === undefined || previous.canary === 0) return [];
  const idle = otherColor(previous.live);
  const running = previous.slots[idle];
  const wanted = settings[idle]?.release;
  if (running === null || unsound.has(idle) || wanted === running.release) return [];
  return [
    {
      key: `${idle}.release`,
      got: shown(wanted),
      allowed: `${shown(running.release)} while ${previous.canary} % of visitors are sent to ${idle}; end the canary in an \`up\` of its own first`,
      fix: `${setCommand(["canary"], 0)} && ${restore(idle, running)} && pulumi up`,
    },
  ];
}

/** A release is immutable: the same id always means the same images. */
export function checkReleaseIds(settings: Parsed["settings"], previous: StackRecord | undefined): Problem[] {
  const known = COLORS.flatMap((color) => previous?.slots[color] ?? []);
  return COLORS.flatMap((color) => {
    const release = settings[color];
    if (release === undefined) return [];
    const others: readonly Pick<Release, "release" | "images">[] = [
      ...known,
      ...(color === "green" && settings.blue ? [settings.blue] : []),
    ];
    const name = IMAGES.find((image) => clashing(release, others, image) !== undefined);
    const clash = name && clashing(release, others, name);
    if (name === undefined || clash === undefined) return [];
    const image = clash.images[name];
    const path = [color, "images", name];
    const asItWas = image === undefined ? removeCommand(path) : setCommand(path, image);
    return [
      {
        key: dotted(path),
        got: shown(release.images[name]),
        allowed: `${shown(image)}, which release ${shown(release.release)} stands for; other images need another release id`,
        fix:
          previous?.live === color
            ? asItWas
            : setCommand([color, "release"], freeReleaseId(release.release, others)),
      },
    ];
  });
}

/** Another release of the same id whose image of that name is another one. */
function clashing<R extends Pick<Release, "release" | "images">>(
  { release, images }: Pick<Release, "release" | "images">,
  others: readonly R[],
  name: ImageName,
): R | undefined {
  return others.find((other) => other.release === release && other.images[name] !== images[name]);
}

/** The next id that no other release has. */
function freeReleaseId(id: string, others: readonly Pick<Release, "release">[]): string {
  const digits = /\d+$/.exec(id)?.[0];
  const next = digits === undefined ? `${id}-2` : `${id.slice(0, -digits.length)}${BigInt(digits) + 1n}`;
  return others.some(({ release }) => release === next) ? freeReleaseId(next, others) : next;
}
