import type { LedgerEntry } from "../../components/ledger/entry.ts";
import { releaseHistory } from "../../components/ledger/history.ts";
import { type PlainMap, edited, valuesIn } from "../../release/config-file.ts";
import { planDeploy } from "../../release/deploy/plan.ts";
import { planMaintenance } from "../../release/maintenance/plan.ts";
import { slotIn } from "../../release/release-keys.ts";
import { planRollback } from "../../release/rollback/plan.ts";
import { recordOf, slotSpecOf } from "./fixtures.ts";
import { atFirst } from "./stack-file.ts";

const PROJECT = "bluegreen";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const BY = "Anna";

/**
 * A stack's file as the command line leaves it, by its own plans: after the first releases 3 was deployed, with a contract where
 * the stack migrates, 0 was gone back to, and maintenance turned on.
 */
export function afterCommands(stack: Parameters<typeof atFirst>[0], text: string): string {
  const file = { path: `Pulumi.${stack}.yaml`, text: atFirst(stack, text) };
  const config: PlainMap = valuesIn(file.path, file.text, PROJECT);
  const images = (release: string) => ({
    api: `app:${release}`,
    ...(config["web"] !== undefined && { web: `pages:${release}` }),
  });
  const slot = (color: "blue" | "green", release: string) =>
    slotSpecOf(color, { release, images: images(release) });
  const blue = slot("blue", "1");
  const before = recordOf({
    slots: { blue, green: config["green"] === undefined ? null : slot("green", "2") },
  });
  const contract = slotIn(config, "blue")["migration"] === undefined ? undefined : ["1"];
  const plan = planDeploy(
    { stack, config, record: before, known: [], history: [] },
    { images: images("3"), release: "3", commit: COMMIT, by: BY, contract, flip: true },
  );
  const deployed = edited(file, PROJECT, plan.changes);

  const now = valuesIn(file.path, deployed, PROJECT);
  const record = recordOf({ live: "green", slots: { blue, green: slot("green", "3") } });
  const released: LedgerEntry = {
    ...{ event: "released", at: "2026-01-01T00:00:00Z", color: "blue", release: "0" },
    ...{ images: images("0"), commit: COMMIT },
  };
  const history = releaseHistory([released]);
  const around = { stack, config: now, record };
  const unknown = { contract: undefined, maintainedBy: undefined };
  return edited({ path: file.path, text: deployed }, PROJECT, {
    ...planRollback({ ...around, ...unknown, history, by: BY }, "0").changes,
    ...planMaintenance(around, { state: "on", retryAfterSeconds: 60, by: BY }),
  });
}
