import { COLORS } from "../../components/config/schema.ts";
import type { ContainerSpec } from "../../components/host/container.ts";
import { stateWords } from "../../components/host/observation.ts";
import type { Found } from "../../components/host/ssh-look.ts";
import { describeUnfinished } from "../../components/ledger/unfinished.ts";
import { type StackRecord, containersOf } from "../../components/slot/record.ts";
import type { StackContainer } from "../containers.ts";
import type { StateLock } from "./locks.ts";
import { type Status, differences } from "../show/status.ts";
import { agreeing } from "../watch/taken-back.ts";

/** One thing that was looked at: all right, or what is wrong and the command that mends it. */
export type Check =
  | { readonly what: string; readonly ok: true; readonly is: string }
  | { readonly what: string; readonly ok: false; readonly is: string; readonly fix: string };

/** How the host was found. */
export type HostLook =
  | { readonly kind: "unreached"; readonly is: string; readonly fix: string }
  | {
      readonly kind: "reached";
      /** What it said; `undefined` where it did not come to its end. */
      readonly found: Found | undefined;
      /** Why its engine did not tell of the containers, where it did not. */
      readonly untold: string | undefined;
      /** The ids of the images that the slots' tags stand for there now, by tag. */
      readonly tags: ReadonlyMap<string, string>;
    };
type Reached = Extract<HostLook, { kind: "reached" }>;

export interface Looked {
  readonly record: StackRecord;
  /** As far as the host told of it. */
  readonly status: Status;
  readonly host: HostLook;
  /** The names of what holds data, and of the gateway. */
  readonly shared: readonly string[];
  /** The version of the engine's command line, such as `3.259.0`. */
  readonly engineVersion: string;
  /** `undefined` where they cannot be seen from here. */
  readonly locks: readonly StateLock[] | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const LEAST_DISK_MB = 1024;
const LARGEST_SKEW_SECONDS = 5;
/** The oldest engine that knows the hooks of the program. */
const LEAST_ENGINE = [3, 200] as const;
/** The oldest Docker that this project was seen with (20.10). */
const LEAST_API = 1.41;
/** An `up` renews a certificate long before: with less left something keeps it from that. */
const LEAST_CERTIFICATE_DAYS = 14;
const DAY_MS = 86_400_000;

/** Everything that may be wrong with a stack, in the order in which a person would look. */
export function checksOf(looked: Looked): readonly Check[] {
  const seen = [versionCheck(looked), ...there(looked, looked.host), ...left(looked)];
  return [...seen, ...leftBehind(looked.status, seen), ...lockChecks(looked)];
}

/** What only the host can say. */
function there(looked: Looked, host: HostLook): readonly Check[] {
  switch (host.kind) {
    case "unreached":
      return [{ what: "host", ok: false, is: host.is, fix: host.fix }];
    case "reached":
      return [
        ...hostChecks(looked.status, host),
        ...gatewayChecks(looked, host),
        ...(host.untold === undefined ? containerChecks(looked, host) : []),
      ];
  }
}

function containerChecks(looked: Looked, { tags }: Reached): readonly Check[] {
  return [
    ...looked.shared.map((name) => sharedCheck(looked, name)),
    ...COLORS.flatMap((color) => {
      const spec = looked.record.slots[color];
      return spec === null
        ? []
        : containersOf(spec).map((container) => slotCheck(looked, spec.release, container, tags));
    }),
  ];
}

function check(what: string, ok: boolean, is: string, fix: string): Check {
  return ok ? { what, ok, is } : { what, ok, is, fix };
}

const ENGINE_IS = { missing: "missing", denied: "does not let this user in", stopped: "does not answer" };

function hostChecks({ stack }: Status, { found, untold }: Reached): readonly Check[] {
  const containers = untold === undefined ? [] : [silent(untold)];
  if (found === undefined) {
    const fix = `make its login shell a POSIX shell that prints nothing, then npx bluegreen doctor --stack ${stack}`;
    return [{ what: "host", ok: false, is: "did not say what it is", fix }, ...containers];
  }
  const { engine, diskFreeMb, clockSkewSeconds, observation } = found;
  const up = `pulumi up --stack ${stack}`;
  return [
    check(
      "engine",
      engine.kind === "answers" && engine.apiVersion >= LEAST_API,
      engine.kind === "answers" ? `API ${engine.apiVersion}` : ENGINE_IS[engine.kind],
      engine.kind === "answers"
        ? "on the host: install Docker 20.10 or a later one"
        : `${up} starts it on a server; on this machine \`make dev\` does`,
    ),
    // An engine that does not answer was said already.
    ...(engine.kind === "answers" ? containers : []),
    check(
      "disk",
      diskFreeMb >= LEAST_DISK_MB,
      `${diskFreeMb} MB free`,
      "on the host: docker image prune --force && docker builder prune --force",
    ),
    check(
      "clock",
      Math.abs(clockSkewSeconds) <= LARGEST_SKEW_SECONDS,
      `${clockSkewSeconds} s from here`,
      "on the host: timedatectl set-ntp true",
    ),
    check("scripts", observation.scripts !== "missing", observation.scripts ?? "there", up),
  ];
}

function silent(untold: string): Check {
  return { what: "containers", ok: false, is: untold, fix: "mend what it names, then this again" };
}

function gatewayChecks({ record, status, now }: Looked, { found, untold }: Reached): readonly Check[] {
  const { gateway, stack } = status;
  const up = status.takenBack === null ? `pulumi up --stack ${stack}` : agreeing(stack);
  const again =
    untold === undefined
      ? `pulumi up --refresh --stack ${stack}`
      : `once the engine answers: npx bluegreen doctor --stack ${stack}`;
  const believed = stateWords(record);
  const says = gateway === null ? "no answer" : stateWords({ ...gateway, live: gateway.live ?? "none" });
  const { start, conf, certificate } = found?.observation ?? {};
  return [
    ...(record.maintenance === undefined
      ? []
      : [check("maintenance", true, "on: visitors get the page", "")]),
    check("gateway's colour and canary", says === believed, says, gateway === null ? again : up),
    ...(start === undefined ? [] : [check("after a restart of it", start === believed, start, up)]),
    ...(conf === undefined
      ? []
      : [check("gateway's configuration", conf === record.conf, conf.slice(0, 12), up)]),
    ...(certificate === undefined || record.certificate === null
      ? []
      : [
          check("certificate", certificate === record.certificate.fingerprint, certificate.slice(0, 12), up),
          validity(record.certificate.notAfter, now, up),
        ]),
  ];
}

function sharedCheck({ status }: Looked, name: string): Check {
  const container = status.containers.find((one) => one.name === name);
  const is = container?.health ?? "missing";
  return check(name, is === "healthy", is, mend(status.stack, container));
}

function slotCheck({ status }: Looked, release: string, spec: ContainerSpec, tags: Reached["tags"]): Check {
  const container = status.containers.find(({ name }) => name === spec.name);
  const settings = spec.labels.find(({ label }) => label === "bluegreen.settings")?.value ?? "";
  const differs = [
    ...(container?.release === release ? [] : [`release ${container?.release ?? "none"}, not ${release}`]),
    ...(container?.image === spec.image ? [] : [`image ${container?.image ?? "none"}`]),
    ...(container?.settings === settings ? [] : ["other settings"]),
  ];
  const health = container?.health ?? "missing";
  const is = health === "healthy" && differs.length > 0 ? differs.join(", ") : health;
  const built = tags.get(spec.image);
  if (is === "healthy" && container !== undefined && built !== undefined && built !== container.imageId)
    return builtAnew(container, built);
  return check(spec.name, is === "healthy", is, mend(status.stack, container));
}

/** A container that is lost would come back as another one than its release. */
function builtAnew({ name, image, imageId }: StackContainer, built: string): Check {
  return {
    ...{ what: name, ok: false, is: `image ${image} was built anew since, as ${shortId(built)}` },
    fix: `give what runs its name back, on the host: docker tag ${imageId} ${image}; what was built needs a tag of its own`,
  };
}

const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** What is gone is made again; what is ill says why itself. */
function mend(stack: string, container: StackContainer | undefined): string {
  const again = `pulumi up --refresh --stack ${stack}`;
  return container === undefined
    ? again
    : `on the host: docker logs --tail 50 ${container.name}; then here: ${again}`;
}

function validity(notAfter: string, now: number, up: string): Check {
  const days = Math.floor((Date.parse(notAfter) - now) / DAY_MS);
  const is = days < 0 ? `expired ${notAfter}` : `for another ${days} days`;
  return check("certificate's validity", days >= LEAST_CERTIFICATE_DAYS, is, up);
}

function versionCheck({ engineVersion }: Looked): Check {
  const [major = 0, minor = 0] = engineVersion.split(".").map(Number);
  const [least, leastMinor] = LEAST_ENGINE;
  const ok = major > least || (major === least && minor >= leastMinor);
  return check("pulumi", ok, engineVersion, `install ${LEAST_ENGINE.join(".")} or a later one`);
}

/** A lock that nobody holds any more keeps every update out; what a command left in the middle stands in the ledger. */
function lockChecks({ locks, status }: Looked): readonly Check[] {
  const { stack, unfinished } = status;
  if (locks === undefined) {
    const is = `not known, because the state is elsewhere; pulumi cancel --stack ${stack} ends one that nobody holds`;
    return [check("lock", true, is, "")];
  }
  const held = locks.map(({ by, since, runs }) => {
    const whose =
      runs === true ? "runs" : runs === false ? "was killed" : "runs or was killed, on another machine";
    const fix = `pulumi cancel --stack ${stack}, then pulumi up --stack ${stack} or npx bluegreen rollback --stack ${stack}`;
    return check("lock", runs === true, `an update of ${by}, since ${since}, ${whose}`, fix);
  });
  if (held.length > 0) return held;
  const cut = unfinished.findLast((one) => one.left === undefined);
  return [check("lock", true, cut === undefined ? "none" : `none; ${describeUnfinished(cut)}`, "")];
}

/** What a command could not put back. The ledger does not show that `pulumi up` did since: where nothing else is wrong, it has. */
function leftBehind({ stack, unfinished }: Status, seen: readonly Check[]): readonly Check[] {
  const isMended = seen.every(({ ok }) => ok);
  return unfinished.flatMap((one) =>
    one.left === undefined
      ? []
      : [check("left behind", isMended, describeUnfinished(one), `pulumi up --stack ${stack}`)],
  );
}

/** What a person or a run left in the middle. */
function left({ status, host }: Looked): readonly Check[] {
  const what = host.kind === "reached" ? "file, state and host" : "file and state";
  const lines = differences(status);
  if (lines.length === 0) return [{ what, ok: true, is: "agree" }];
  const back = agreeing(status.stack);
  const fix = status.takenBack === null ? `pulumi up --stack ${status.stack}, or ${back}` : back;
  return lines.map((is) => ({ what, ok: false, is, fix }));
}
