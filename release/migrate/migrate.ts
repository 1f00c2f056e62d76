import { namesOf } from "../../components/config/names.ts";
import { messageOf } from "../../components/message-of.ts";
import { lastContract } from "../../components/ledger/history.ts";
import { RECENT, reachHost, readLedger } from "../host.ts";
import { Failure, Refusal } from "../outcome.ts";
import { recorded, tellUnfinished, type Took } from "../record-run.ts";
import { openStack, recordOf } from "../stack.ts";
import type { Progress } from "../terminal.ts";
import { watchState } from "../watch/watch.ts";
import { type MigrateRequest, planMigrate } from "./plan.ts";

export interface Migrated {
  readonly stack: string;
  /** Revisions, as the migration tool keeps them. */
  readonly before: string;
  readonly after: string;
  /** The dump from before, on the host. */
  readonly backup: string | null;
  readonly output: string;
  readonly milliseconds: Took;
}

export interface MigrateContext {
  readonly folder: string;
  readonly by: string;
  readonly progress: Progress;
  readonly confirm: (question: string) => Promise<boolean>;
}

/** A dump of a large database takes its time. */
const DUMP_SECONDS = 3600;

/** @throws Refusal, nothing was changed; Failure, with where the database is */
export async function migrate(
  name: string,
  request: MigrateRequest,
  { folder, by, progress, confirm }: MigrateContext,
): Promise<Migrated> {
  const stack = await openStack(name, folder);
  const host = await reachHost(stack);
  tellUnfinished(await readLedger(host, RECENT), progress.line);
  const names = namesOf({ project: stack.project, stack: name });
  const plan = planMigrate({ record: recordOf(stack), names, watch: await watchState(host) }, request);
  const works = request.worksWith.join(", ");
  progress.line(
    `${name}: ${request.command.join(" ")} in release ${request.release}; afterwards only ${works} work, there is no way back to another`,
  );
  if (!(await confirm("migrate the database?"))) {
    throw new Refusal("not carried out", `npx bluegreen migrate --stack ${name} …`);
  }
  return await recorded(host, { command: "migrate", by }, progress.line, async () => {
    const began = performance.now();
    const limitMs = (DUMP_SECONDS + 2 * plan.timeoutSeconds + 120) * 1000;
    const script = [`${host.directory}/bin/migrate.sh`, host.directory];
    const output = await host.ask(script, plan.text, { timeoutMs: limitMs }).catch((error: unknown) => {
      throw new Failure(messageOf(error));
    });
    const entry = lastContract(await readLedger(host));
    return {
      ...{ stack: name, before: entry?.before ?? "unknown", after: entry?.after ?? "unknown" },
      ...{ backup: entry?.backup ?? null, output },
      milliseconds: { migrate: performance.now() - began },
    };
  });
}
