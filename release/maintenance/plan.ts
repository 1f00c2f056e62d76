import type { StackRecord } from "../../components/slot/record.ts";
import type { Changes, PlainMap } from "../config-file.ts";
import { Refusal } from "../outcome.ts";
import { refuseUnfinished } from "../release-keys.ts";
import type { MovedBack } from "../watch/taken-back.ts";

/** What is wanted of the gateway's door. */
export type Turn = { readonly state: "on"; readonly retryAfterSeconds: number } | { readonly state: "off" };
export type MaintenanceRequest = Turn & { readonly by: string };

export interface MaintenanceView {
  readonly stack: string;
  readonly config: PlainMap;
  readonly record: StackRecord;
  /** Where the host took visitors back while the state does not know: the program refuses what the state says of them. */
  readonly moved?: MovedBack | undefined;
}

const LONGEST_SECONDS = 86_400;

/** What the config becomes. @throws Refusal where it is so already, or the file was not carried out */
export function planMaintenance(view: MaintenanceView, request: MaintenanceRequest): Changes {
  const { record, stack, moved } = view;
  refuseUnfinished(view, record, moved ? ["maintenance", "active", "canary"] : ["maintenance"]);
  switch (request.state) {
    case "on": {
      const { retryAfterSeconds, by } = request;
      if (retryAfterSeconds > LONGEST_SECONDS) {
        throw new Refusal(
          `--retry-after is ${retryAfterSeconds} s, a day at the most`,
          "name a shorter time",
        );
      }
      if (record.maintenance === retryAfterSeconds) {
        throw new Refusal("maintenance is on already", `npx bluegreen maintenance off --stack ${stack}`);
      }
      return { ...moved?.keys, maintenance: { retryAfterSeconds, by } };
    }
    case "off":
      if (record.maintenance === undefined && view.config["maintenance"] === undefined) {
        throw new Refusal(
          "maintenance is off already",
          `npx bluegreen status --stack ${stack}, where visitors meet the page all the same`,
        );
      }
      return { ...moved?.keys, maintenance: undefined };
  }
}
