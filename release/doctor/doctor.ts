import { readFileSync } from "node:fs";
import { namesOf } from "../../components/config/names.ts";
import { parseLook } from "../../components/host/ssh-look.ts";
import { READ, reachHost } from "../host.ts";
import { statusOf } from "../show/status.ts";
import { table } from "../show/table.ts";
import { type Stack, openStack, recordOf } from "../stack.ts";
import { type Check, checksOf } from "./checks.ts";
import { type StateLock, stateLocks } from "./locks.ts";

const LOOK = new URL("../../components/host/look.sh", import.meta.url);

/** Looks at everything of a stack and changes nothing. @throws Refusal where nothing was brought up yet */
export async function doctor(name: string, folder: string): Promise<readonly Check[]> {
  const stack = await openStack(name, folder);
  const record = recordOf(stack);
  const host = await reachHost(stack);
  const asked = Date.now();
  const [status, found, locks] = await Promise.all([
    statusOf(stack, host),
    host
      .ask(["sh", "-s", "--", host.directory], readFileSync(LOOK, "utf8"), READ)
      .then((text) => parseLook(text, asked, Date.now())),
    locksOf(stack),
  ]);
  const { gateway, postgres, redis } = namesOf({ project: stack.project, stack: name });
  return checksOf({
    ...{ record, status, found, locks, shared: [gateway, postgres, redis], now: asked },
    engineVersion: stack.engine.workspace.pulumiVersion,
  });
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
