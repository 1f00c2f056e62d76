import { messageOf } from "../../components/message-of.ts";
import { engineStop } from "../cut-off.ts";
import { carriedOut } from "../engine-run.ts";
import { type KnownHost, READ, RECENT, gatewayState, reachHost, readLedger } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { type Took, recorded, tellUnfinished } from "../record-run.ts";
import { type Stack, openStack, recordOf, setConfig } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { movedBack } from "../watch/taken-back.ts";
import { type MaintenanceRequest, planMaintenance } from "./plan.ts";

export interface Maintained {
  readonly stack: string;
  readonly state: "on" | "off";
  readonly milliseconds: Took;
}

/** @throws Refusal, nothing was changed; Failure, with what visitors meet now */
export async function maintain(
  name: string,
  request: MaintenanceRequest,
  { folder, progress }: { readonly folder: string; readonly progress: Progress },
): Promise<Maintained> {
  const stack = await openStack(name, folder);
  const host = await reachHost(stack);
  const entries = await readLedger(host, RECENT);
  tellUnfinished(entries, progress.line);
  const record = recordOf(stack);
  const moved = movedBack(entries, record);
  const changes = planMaintenance({ stack: name, config: stack.config.values, record, moved }, request);
  if (moved !== undefined) {
    const { release, keys } = moved;
    progress.line(
      `${name}: the watch took the visitors back from release ${release}: the file says so too, active ${keys.active}, canary ${keys.canary}`,
    );
  }
  const { state, by } = request;
  return await recorded(host, { command: `maintenance ${state}`, by }, progress.line, async () => {
    const edit = await setConfig(stack, changes);
    try {
      const forward = { edit, stop: engineStop };
      const { milliseconds } = await carriedOut(stack, `maintenance ${state}`, progress, forward);
      return { stack: name, state, milliseconds: { update: milliseconds } };
    } catch (error) {
      if (error instanceof Refusal) {
        await edit.putBack();
        throw error;
      }
      const now = await gatewayState(host);
      // Where the door is as it was asked to be, the file says so too.
      if (now === undefined || (now.maintenance !== undefined) !== (state === "on")) await edit.putBack();
      throw new Failure(`maintenance ${state} failed: ${messageOf(error)}\n${told(now)}`);
    }
  });
}

function told(now: Awaited<ReturnType<typeof gatewayState>>): string {
  if (now === undefined) return "the gateway does not answer";
  return now.maintenance === undefined ? "visitors are let in" : "visitors get the page of maintenance";
}

/**
 * The team's link past the page. It holds the secret: whoever has it gets in.
 * @throws Refusal while maintenance is off; HostError where the host does not say
 */
export async function bypassLink(name: string, folder: string): Promise<string> {
  const stack = await openStack(name, folder);
  return `${urlOf(stack)}/.bluegreen/bypass#${await bypassSecret(await reachHost(stack), name)}`;
}

export async function bypassSecret(host: KnownHost, stack: string): Promise<string> {
  const script = 'cd "$1/gateway/conf" && if [ -s bypass ]; then cat bypass; fi';
  const secret = await host.ask(["sh", "-c", script, "sh", host.directory], "", READ);
  if (secret !== "") return secret.trim();
  throw new Refusal("there is no link: maintenance is off", `npx bluegreen maintenance on --stack ${stack}`);
}

const urlOf = ({ url }: Stack): string => (url ?? "").replace(/\/$/, "");
