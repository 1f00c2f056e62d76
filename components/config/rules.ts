import { postgresMajor } from "../data/postgres-version.ts";
import type { StackRecord } from "../slot/record.ts";
import { checkContract } from "./contract-rules.ts";
import { checkEdge } from "./edge-rules.ts";
import { checkEc2 } from "./ec2-rules.ts";
import { checkDigests, checkImages } from "./image-rules.ts";
import { planMemory } from "./memory.ts";
import type { Parsed } from "./parse.ts";
import { setCommand } from "./commands.ts";
import { type Problem, shown } from "./problems.ts";
import {
  checkActive,
  checkCanary,
  checkMachineAlone,
  checkRelease,
  checkReleaseIds,
} from "./release-rules.ts";
import { COLORS } from "./schema.ts";

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
