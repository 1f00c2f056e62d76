import { completeSettings, parseConfig } from "../../components/config/parse.ts";
import { namesOf } from "../../components/config/names.ts";
import type { Color, Release, Settings } from "../../components/config/schema.ts";
import type { SlotSpec, StackRecord } from "../../components/slot/record.ts";
import { beginSlot } from "../../components/slot/spec.ts";

/** The keys of a stack with jobs. */
export const JOBS = {
  worker: '{"command":["celery","-A","app","worker"]}',
  beat: '{"command":["celery","-A","app","beat"]}',
};

/** The key of a stack with a web server in each slot. */
export const WEB = { web: '{"apiPaths":["/api","/health"]}' };

export const NAMES = namesOf({ project: "bluegreen", stack: "dev" });
export const DIRECTORY = "/srv/bluegreen-dev";

/** The config a stack needs at the least, with both slots released and blue live. */
export const MINIMAL = {
  active: "blue",
  blue: '{"release":"1","images":{"api":"app:1"},"migration":{"command":["migrate"]}}',
  green: '{"release":"2","images":{"api":"app:2"},"migration":{"command":["migrate"]}}',
  host: '{"kind":"local","directory":"/srv/bluegreen-dev","memoryMb":2048}',
};

/** Public host keys, one of each type; the private halves are gone. */
export const HOST_KEYS = {
  ed25519: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICOS11Vl0Ob2EA0BbxTKrSE1ACRnXrFBRQV++8swMXvY",
  ecdsa:
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBrv7VtMF+p6KTrkW9ktBA6vcFPtwOC63qVqCuUYFeTU8E3AcQRHmHQ6XRx/GLs385BF6pC5+70dQC/0pT2g4Ko=",
  rsa: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCi/imen/l0Jyh47Nano7pPHmdyTOlSJ/21PwSjQRn299GlnLJi0rxIx7zZm5g0rs+1d/k5EwjONTuL2Z/FrXsdY7K2c76G+1IAXCDA/6okb/ZdDRzz9kcO3U1xph8weTorYHPb6W2o9gxbzuN+YoBK4rh1RvBuiwUuNCwiKiVUnDWoJ7H8Y+Wh2tNLk9KTTgWC8qQEaTWQ952X4XUMP5vQMKpxhNJtTfPGmjtZ8HlJumMH6IZ3TwrPz7Tu95Qj2puReD07C7BKuweNEo9QNxJKXOCJaWyAU0AeXEPoF9AnzgfRzmkVWSXe2HzFRcA8b2fjM8JUaxdfNJ+oWMDPQPqv",
} as const;

/** The least that a server which exists has to be described by. */
export const SSH_HOST = {
  kind: "ssh",
  address: "203.0.113.10",
  user: "deploy",
  hostKey: HOST_KEYS.ed25519,
} as const;

export function settingsOf(
  values: Readonly<Record<string, string>> = {},
  secrets: readonly string[] = [],
): Settings {
  return completeSettings(parseConfig({ ...MINIMAL, ...values }, new Set(secrets)));
}

export function slotSpecOf(
  color: Color,
  release: Release = { release: "1", images: { api: "app:1" } },
  settings = settingsOf(),
  secretSet = 0,
): SlotSpec {
  const around = { settings, names: NAMES, directory: DIRECTORY, startInterval: false, secretSet };
  return beginSlot(color, release, around);
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
    recent: [],
    startInterval: false,
    postgresMajor: 18,
    conf: "0",
    repairs: { host: 0, scripts: 0, switch: 0, gateway: 0, certificate: 0 },
    certificate: null,
    ...change,
  };
}
