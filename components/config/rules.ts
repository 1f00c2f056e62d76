import { postgresMajor } from "../data/postgres-version.ts";
import type { StackRecord } from "../slot/record.ts";
import { planMemory } from "./memory.ts";
import type { Parsed } from "./parse.ts";
import { type Problem, setCommand, shown } from "./problems.ts";
import { type Release, COLORS, otherColor } from "./schema.ts";

type PartialSettings = Parsed["settings"];

/**
 * What no single key can show: how the keys stand to each other and to what runs now (`previous`, the stack's
 * last record). Keys that did not parse are absent from `settings` and reported elsewhere.
 */
export function checkAcrossKeys(
  settings: PartialSettings,
  previous: StackRecord | undefined,
  hostMemoryMb: number,
): Problem[] {
  return [
    ...checkActive(settings),
    ...checkRelease(settings, previous),
    ...checkReleaseIds(settings, previous),
    ...checkDigests(settings),
    ...checkMemory(settings, hostMemoryMb),
    ...checkPostgres(settings, previous),
    ...checkSupported(settings),
  ];
}

function checkActive(settings: PartialSettings): Problem[] {
  const { active, canary = 0 } = settings;
  if (active === undefined) return [];
  const problems: Problem[] = [];
  if (settings[active] === undefined) {
    problems.push({
      key: "active",
      got: `"${active}", a slot without a release`,
      allowed: "a colour whose slot has a release",
      fix: setCommand([active]),
    });
  }
  if (canary > 0 && settings[otherColor(active)] === undefined) {
    problems.push({
      key: "canary",
      got: `${canary} while ${otherColor(active)} has no release`,
      allowed: "0 as long as the idle slot is empty",
      fix: setCommand(["canary"], 0),
    });
  }
  return problems;
}

/** Invariant 2, and one release at a time: the way back must stay as it is while the new one is tried. */
function checkRelease(settings: PartialSettings, previous: StackRecord | undefined): Problem[] {
  if (previous === undefined) return [];
  const { live } = previous;
  const idle = otherColor(live);
  const running = previous.slots[live];
  const wanted = settings[live];
  if (running === null || wanted?.release === running.release) return [];
  const idleChanges = settings[idle]?.release !== previous.slots[idle]?.release;
  const got = wanted === undefined ? "nothing" : shown(wanted.release);
  const back = setCommand([live, "release"], running.release);
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
          fix:
            wanted === undefined
              ? back
              : `${back} && ${setCommand([idle, "release"], wanted.release)} && ${setCommand([idle, "images", "api"], wanted.images.api)}`,
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
    const clash = others.find(
      (other) => other.release === release.release && other.images.api !== release.images.api,
    );
    return clash === undefined
      ? []
      : [
          {
            key: `${color}.images.api`,
            got: shown(release.images.api),
            allowed: `${shown(clash.images.api)}, which release ${shown(release.release)} stands for; other images need another release id`,
            fix: setCommand([color, "release"], nextReleaseId(release.release)),
          },
        ];
  });
}

function nextReleaseId(id: string): string {
  const digits = /\d+$/.exec(id)?.[0];
  return digits === undefined ? `${id}-2` : `${id.slice(0, -digits.length)}${BigInt(digits) + 1n}`;
}

/** A tag can come to mean another image; only an engine on this very machine can be watched closely enough. */
function checkDigests(settings: PartialSettings): Problem[] {
  if (settings.host === undefined || settings.host.kind === "local") return [];
  return COLORS.flatMap((color) => {
    const image = settings[color]?.images.api;
    return image === undefined || image.includes("@sha256:")
      ? []
      : [
          {
            key: `${color}.images.api`,
            got: shown(image),
            allowed: "an image with its digest (name@sha256:…) on every host but a local one",
            fix: setCommand([color, "images", "api"], `${image.replace(/:[^/:]*$/, "")}@sha256:…`),
          },
        ];
  });
}

function checkMemory(settings: PartialSettings, hostMemoryMb: number): Problem[] {
  if (settings.memoryMb === undefined) return [];
  const plan = planMemory(settings.memoryMb, hostMemoryMb);
  if (plan.fits) return [];
  const parts = plan.lines.map(({ what, memoryMb }) => `${what} ${memoryMb}`).join(" + ");
  const room = plan.budgetMb - (plan.promisedMb - 2 * settings.memoryMb.api);
  return [
    {
      key: "memoryMb",
      got: `${plan.promisedMb} MB (${parts})`,
      allowed: `at most ${plan.budgetMb} MB, 0.85 of the host's ${hostMemoryMb} MB`,
      fix: setCommand(["memoryMb", "api"], Math.max(16, Math.floor(room / 2))),
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

function checkSupported(settings: PartialSettings): Problem[] {
  const problems: Problem[] = [];
  const later = (kinds: string) => `in this version; ${kinds} come with the next one`;
  if (settings.host !== undefined && settings.host.kind !== "local") {
    problems.push({
      key: "host.kind",
      got: shown(settings.host.kind),
      allowed: `"local" ${later("ssh and ec2")}`,
      fix: setCommand(["host"], { kind: "local" }),
    });
  }
  if (settings.edge !== undefined && settings.edge.kind !== "none") {
    problems.push({
      key: "edge.kind",
      got: shown(settings.edge.kind),
      allowed: `"none" ${later("cloudflare and its DNS")}`,
      fix: setCommand(["edge"], { kind: "none" }),
    });
  }
  return problems;
}
