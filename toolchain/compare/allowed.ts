import { COLORS, type Color, type Settings } from "../../components/config/schema.ts";

type Key = keyof Settings;

/** One place in which stacks may differ, with everything below it unless it says `lacking`. */
export interface Allowance {
  readonly path: Key | `${Key}.${string}` | `${string}:${string}`;
  /** A stack may have nothing there at all; those that have something are still held against each other. */
  readonly lacking?: true;
  readonly reason: string;
}

/** What a deploy or the command line writes of a slot, and how long its migration may take. */
const ofSlot = (color: Color): readonly Allowance[] => [
  { path: color, lacking: true, reason: "a slot has no release before the first one" },
  { path: `${color}.release`, reason: "each stack is at its own release" },
  { path: `${color}.images`, reason: "the images of that release" },
  { path: `${color}.commit`, reason: "what that release was built from" },
  { path: `${color}.by`, reason: "who released that one" },
  { path: `${color}.migration.kind`, reason: "whether that release takes something away" },
  { path: `${color}.migration.worksWith`, reason: "the releases that do without what it takes away" },
  { path: `${color}.migration.skip`, reason: "that release came back, and had migrated before" },
  { path: `${color}.migration.timeoutSeconds`, reason: "a table of prod is larger than one of dev" },
];

/** Where dev, staging and prod may differ. All else is the same, so that what was tried in staging is what prod runs. */
export const ALLOWED: readonly Allowance[] = [
  { path: "active", reason: "each stack flips by itself" },
  { path: "canary", reason: "each stack sends as many visitors to the idle colour as it likes" },
  { path: "maintenance", reason: "each stack is closed by itself" },
  ...COLORS.flatMap(ofSlot),
  { path: "host", reason: "each stack is on a machine of its own" },
  { path: "aws:region", reason: "dev is on no machine of AWS's" },
  { path: "edge", reason: "each stack has a name of its own; dev is not on the internet" },
  { path: "aws:region", reason: "dev is in no cloud; staging may be in another region than prod" },
  { path: "gateway.address", reason: "dev listens on loopback only" },
  { path: "gateway.port", reason: "dev shares its machine with other programs" },
  { path: "memoryMb", reason: "a larger machine gives each container more" },
  { path: "switch.bakeSeconds", reason: "prod watches a flip for longer than a developer waits" },
  { path: "switch.drainSeconds", reason: "a developer's connections need not be waited for" },
  { path: "watch.holdMinutes", reason: "nobody waits for half an hour at a desk; prod does" },
  { path: "postgres.passwordVersion", reason: "each stack's password is rotated by itself" },
  { path: "registry", reason: "dev builds its images; each stack pulls with credentials of its own" },
  { path: "messages", lacking: true, reason: "each stack tells its own people" },
  { path: "retention", reason: "a smaller disk keeps fewer images" },
];
