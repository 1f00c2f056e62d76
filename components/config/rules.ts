import { postgresMajor } from "../data/postgres-version.ts";
import { IMAGES, type ImageName, PARTS, USERS, imagesNeeded, imagesOf } from "../slot/parts.ts";
import type { StackRecord } from "../slot/record.ts";
import { checkEdge } from "./edge-rules.ts";
import { birthOf } from "../host/ec2/plan.ts";
import { planMemory } from "./memory.ts";
import type { Parsed } from "./parse.ts";
import { dotted, removeCommand, setCommand } from "./commands.ts";
import { checkEc2 } from "./ec2-rules.ts";
import { type Problem, shown } from "./problems.ts";
import { checkContract } from "./contract-rules.ts";
import { type Color, type Release, COLORS, otherColor } from "./schema.ts";

type Checked = Pick<Parsed, "settings" | "unsound">;
type PartialSettings = Parsed["settings"];

/**
 * What no single key can show: how the keys stand to each other and to what runs now (`previous`, the stack's
 * last record). Keys that did not parse are reported elsewhere; here nothing is concluded from them.
 */
export function checkAcrossKeys(
  parsed: Checked,
  previous: StackRecord | undefined,
  hostMemoryMb: number,
  region?: string,
): Problem[] {
  const { settings, unsound } = parsed;
  return [
    ...checkActive(parsed),
    ...checkRelease(parsed, previous),
    ...checkCanary(parsed, previous),
    ...checkReleaseIds(settings, previous),
    ...checkContract(settings, previous),
    ...checkDigests(settings),
    ...checkImages(parsed, previous),
    ...(unsound.has("memoryMb") ? [] : checkMemory(settings, hostMemoryMb)),
    ...(unsound.has("postgres") ? [] : checkPostgres(settings, previous)),
    ...checkEdge(settings.edge, settings.host),
    ...(unsound.has("postgres") ? [] : checkPasswordVersion(settings, previous)),
    ...(settings.host?.kind === "ec2"
      ? checkEc2(settings.host, {
          region,
          edge: unsound.has("edge") ? undefined : (settings.edge ?? { kind: "none" }),
          previous: previous?.ec2,
        })
      : []),
    ...checkMachineAlone(settings, region, previous),
  ];
}

function checkActive({ settings, unsound }: Checked): Problem[] {
  const { active, canary = 0 } = settings;
  if (active === undefined) return [];
  const problems: Problem[] = [];
  if (settings[active] === undefined && !unsound.has(active)) {
    problems.push({
      key: "active",
      got: `"${active}", a slot without a release`,
      allowed: "a colour whose slot has a release",
      fix: setCommand([active]),
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
function checkRelease({ settings, unsound }: Checked, previous: StackRecord | undefined): Problem[] {
  if (previous === undefined || unsound.has(previous.live)) return [];
  const { live } = previous;
  const idle = otherColor(live);
  const running = previous.slots[live];
  const wanted = settings[live];
  if (running === null || wanted?.release === running.release) return [];
  const idleChanges = settings[idle]?.release !== previous.slots[idle]?.release;
  const got = wanted === undefined ? "nothing" : shown(wanted.release);
  const back = restore(live, running);
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
function checkMachineAlone(
  { host, ...settings }: PartialSettings,
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
function restore(color: Color, { release, images }: Pick<Release, "release" | "images">): string {
  return setCommand([color], { release, images });
}

/** Visitors of a canary are visitors: the idle slot is not replaced while some are sent to it. */
function checkCanary({ settings, unsound }: Checked, previous: StackRecord | undefined): Problem[] {
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
function checkReleaseIds(settings: PartialSettings, previous: StackRecord | undefined): Problem[] {
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

/** A tag can come to mean another image; only an engine on this very machine can be watched closely enough. */
function checkDigests(settings: PartialSettings): Problem[] {
  if (settings.host === undefined || settings.host.kind === "local") return [];
  return COLORS.flatMap((color) =>
    IMAGES.flatMap((name) => {
      const image = settings[color]?.images[name];
      return image === undefined || image.includes("@sha256:")
        ? []
        : [
            {
              key: `${color}.images.${name}`,
              got: shown(image),
              allowed: "an image with its digest (name@sha256:…) on every host but a local one",
              fix: setCommand([color, "images", name], `${image.replace(/:[^/:]*$/, "")}@sha256:…`),
            },
          ];
    }),
  );
}

/** A release that begins brings the images that the stack's keys ask for, and no other; one that runs has what it had. */
function checkImages({ settings, unsound }: Checked, previous: StackRecord | undefined): Problem[] {
  if (PARTS.some((part) => unsound.has(part))) return [];
  const used = imagesOf(settings);
  const needed = imagesNeeded(settings);
  return COLORS.flatMap((color) => {
    const release = settings[color];
    if (release === undefined || previous?.slots[color]?.release === release.release) return [];
    return IMAGES.flatMap((name) => {
      const image = release.images[name];
      const path = [color, "images", name];
      if (image === undefined)
        return needed.includes(name)
          ? [
              {
                key: dotted(path),
                got: "nothing",
                allowed: `an image, because the stack has the key ${name}`,
                fix: setCommand(path),
              },
            ]
          : [];
      return used.includes(name)
        ? []
        : [
            {
              key: dotted(path),
              got: shown(image),
              allowed: `nothing, as long as the stack has no ${USERS[name]} to run in it`,
              fix: removeCommand(path),
            },
          ];
    });
  });
}

/** The sum of all limits has to leave room on a host of so many megabytes. */
export function checkMemory(settings: PartialSettings, hostMemoryMb: number): Problem[] {
  const { memoryMb } = settings;
  if (memoryMb === undefined) return [];
  const plan = planMemory({ ...settings, memoryMb }, hostMemoryMb);
  if (plan.fits) return [];
  const parts = plan.lines.map(({ what, memoryMb }) => `${what} ${memoryMb}`).join(" + ");
  const room = plan.budgetMb - (plan.promisedMb - 2 * memoryMb.api);
  return [
    {
      key: "memoryMb",
      got: `${plan.promisedMb} MB (${parts})`,
      allowed: `at most ${plan.budgetMb} MB, 0.85 of the host's ${hostMemoryMb} MB`,
      fix: setCommand(["memoryMb", "api"], Math.max(16, Math.floor(room / 2))),
    },
  ];
}

/** A password that a rotation left behind never opens the database again, unless a slot still runs with it. */
function checkPasswordVersion(settings: PartialSettings, previous: StackRecord | undefined): Problem[] {
  const wanted = settings.postgres?.passwordVersion;
  const used = COLORS.map((color) => previous?.slots[color]?.passwordVersion ?? 1);
  const least = Math.max(...used);
  if (wanted === undefined || wanted >= least) return [];
  return [
    {
      key: "postgres.passwordVersion",
      got: shown(wanted),
      allowed: `${least} or more: a release runs with version ${least} already`,
      fix: setCommand(["postgres", "passwordVersion"], least),
    },
  ];
}

/** Another major version cannot read the data directory of this one. */
function checkPostgres(settings: PartialSettings, previous: StackRecord | undefined): Problem[] {
  const image = settings.postgres?.image;
  if (image === undefined) return [];
  const major = postgresMajor(image);
  if (previous === undefined || major === previous.postgresMajor) return [];
  return [
    {
      key: "postgres.image",
      got: `${shown(image)}, major version ${major}`,
      allowed: `major version ${previous.postgresMajor}, which wrote this stack's data; an upgrade is a dump and a restore, never a tag`,
      fix: setCommand(["postgres", "image"], `postgres:${previous.postgresMajor}`),
    },
  ];
}
