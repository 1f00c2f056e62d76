import { readFileSync } from "node:fs";
import { namesOf } from "../../components/config/names.ts";
import { parseLook } from "../../components/host/ssh-look.ts";
import { reachHost } from "../host.ts";
import { statusOf } from "../show/status.ts";
import { table } from "../show/table.ts";
import { openStack, recordOf } from "../stack.ts";
import { type Check, checksOf } from "./checks.ts";

const LOOK = new URL("../../components/host/look.sh", import.meta.url);

/** Looks at everything of a stack and changes nothing. @throws Refusal where nothing was brought up yet */
export async function doctor(name: string, folder: string): Promise<readonly Check[]> {
  const stack = await openStack(name, folder);
  const host = await reachHost(stack);
  const record = recordOf(stack);
  const asked = Date.now();
  const [status, found] = await Promise.all([
    statusOf(stack, host),
    host
      .ask(["sh", "-s", "--", host.directory], readFileSync(LOOK, "utf8"))
      .then((text) => parseLook(text, asked, Date.now())),
  ]);
  const { gateway, postgres, redis } = namesOf({ project: stack.project, stack: name });
  return checksOf({ record, status, found, shared: [gateway, postgres, redis] });
}

export function renderChecks(checks: readonly Check[]): string {
  const bad = checks.flatMap((one) => (one.ok ? [] : [one]));
  const rows = checks.map(({ what, ok, is }) => [ok ? "ok" : "WRONG", what, is]);
  const fixes = bad.map(({ what, fix }) => `  ${what}: ${fix}`);
  return table(rows) + (bad.length === 0 ? "\nnothing is wrong\n" : `\nto mend it:\n${fixes.join("\n")}\n`);
}
