import { readFileSync } from "node:fs";
import { namesOf } from "../../components/config/names.ts";
import { COLORS } from "../../components/config/schema.ts";
import { parseLook } from "../../components/host/ssh-look.ts";
import { type StackRecord, containersOf } from "../../components/slot/record.ts";
import { type StackContainer, stackContainers, taggedImages } from "../containers.ts";
import { READ, RECENT, type KnownHost, gatewayState, reachHost, readLedger } from "../host.ts";
import { HostError, Refusal } from "../outcome.ts";
import { statusFrom } from "../show/status.ts";
import { table } from "../show/table.ts";
import { type Stack, openStack, recordOf } from "../stack.ts";
import { type Check, type Looked, checksOf } from "./checks.ts";
import { type StateLock, stateLocks } from "./locks.ts";

const LOOK = new URL("../../components/host/look.sh", import.meta.url);

/** Looks at everything of a stack and changes nothing. @throws Refusal where nothing was brought up yet */
export async function doctor(name: string, folder: string): Promise<readonly Check[]> {
  const stack = await openStack(name, folder);
  const record = recordOf(stack);
  const [there, locks] = await Promise.all([lookedAt(stack, record), locksOf(stack)]);
  const { gateway, postgres, redis } = namesOf({ project: stack.project, stack: name });
  return checksOf({
    ...{ record, ...there, locks, shared: [gateway, postgres, redis], now: Date.now() },
    engineVersion: stack.engine.workspace.pulumiVersion,
  });
}

/** What the host says; one that is out of reach is a finding like others. */
async function lookedAt(stack: Stack, record: StackRecord): Promise<Pick<Looked, "host" | "status">> {
  try {
    const host = await reachHost(stack);
    const specs = COLORS.flatMap((color) => record.slots[color] ?? []);
    const images = specs.flatMap(containersOf).map(({ image }) => image);
    const asked = Date.now();
    const [gateway, entries, { containers, untold }, tags, found] = await Promise.all([
      gatewayState(host),
      readLedger(host, RECENT),
      containersOrWhy(host, stack),
      taggedImages(host, images),
      host
        .ask(["sh", "-s", "--", host.directory], readFileSync(LOOK, "utf8"), READ)
        .then((text) => parseLook(text, asked, Date.now())),
    ]);
    const status = statusFrom(stack, { gateway, containers, entries });
    return { status, host: { kind: "reached", found, untold, tags } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const fix = error instanceof HostError ? "mend what it names, then this again" : error.fix;
    return { status: statusFrom(stack, {}), host: { kind: "unreached", is: error.message, fix } };
  }
}

/** An engine that does not answer says nothing of its containers, and is no reason to look no further. */
async function containersOrWhy(
  host: KnownHost,
  { project, name }: Stack,
): Promise<{ readonly containers: readonly StackContainer[]; readonly untold: string | undefined }> {
  try {
    return { containers: await stackContainers(host, { project, stack: name }), untold: undefined };
  } catch (error) {
    if (error instanceof HostError) return { containers: [], untold: error.message };
    throw error;
  }
}

async function locksOf(stack: Stack): Promise<readonly StateLock[] | undefined> {
  const { url = "" } = await stack.engine.workspace.whoAmI();
  return await stateLocks(url, stack);
}

export function renderChecks(checks: readonly Check[]): string {
  const bad = checks.flatMap((one) => (one.ok ? [] : [one]));
  const rows = checks.map(({ what, ok, is }) => [ok ? "ok" : "WRONG", what, is]);
  const fixes = bad.map(({ what, fix }) => `  ${what}: ${fix}`);
  return table(rows) + (bad.length === 0 ? "\nnothing is wrong\n" : `\nto mend it:\n${fixes.join("\n")}\n`);
}
