import { completeSettings, parseConfig } from "../../components/config/parse.ts";
import { namesOf } from "../../components/config/names.ts";
import type { Color, Release, Settings } from "../../components/config/schema.ts";
import type { SlotSpec, StackRecord } from "../../components/slot/record.ts";
import { beginSlot } from "../../components/slot/spec.ts";

export const NAMES = namesOf({ project: "bluegreen", stack: "dev" });
export const DIRECTORY = "/srv/bluegreen-dev";

/** The config a stack needs at the least, with both slots released and blue live. */
export const MINIMAL = {
  active: "blue",
  blue: '{"release":"1","images":{"api":"app:1"},"migration":{"command":["migrate"]}}',
  green: '{"release":"2","images":{"api":"app:2"},"migration":{"command":["migrate"]}}',
  host: '{"kind":"local","directory":"/srv/bluegreen-dev","memoryMb":2048}',
};

export function settingsOf(values: Readonly<Record<string, string>> = {}): Settings {
  return completeSettings(parseConfig({ ...MINIMAL, ...values }));
}

export function slotSpecOf(
  color: Color,
  release: Release = { release: "1", images: { api: "app:1" } },
  settings = settingsOf(),
): SlotSpec {
  return beginSlot(color, release, { settings, names: NAMES, directory: DIRECTORY, startInterval: false });
}

/** What a stack remembers that runs release 1 on blue, which is live, and 2 on green. */
export function recordOf(change: Partial<StackRecord> = {}): StackRecord {
  const settings = settingsOf();
  if (settings.blue === undefined || settings.green === undefined)
    throw new Error("the fixture lost a release");
  return {
    version: 1,
    live: "blue",
    canary: 0,
    slots: { blue: slotSpecOf("blue", settings.blue), green: slotSpecOf("green", settings.green) },
    directory: DIRECTORY,
    lastFlip: {
      live: "blue",
      previous: "none",
      flipped: true,
      switchedAt: "2026-01-01T00:00:00Z",
      checkMs: 1,
      smokeMs: 1,
      flipMs: 1,
      proofMs: 1,
      bakeMs: 1,
      totalMs: 5,
      requests: 0,
      errors: 0,
    },
    startInterval: false,
    postgresMajor: 18,
    conf: "0",
    repairs: { scripts: 0, switch: 0, gateway: 0 },
    ...change,
  };
}
