import { readFile } from "node:fs/promises";

import { at } from "./json.ts";

/** How many resources one `up` created, updated, replaced…; `same` says how many it left alone. */
export type Changes = Readonly<Record<string, number>>;

/** The last summary in the event log of a `pulumi` run; empty where it came to none. */
export async function readChanges(eventLog: string): Promise<Changes> {
  const text = await readFile(eventLog, "utf8").catch(() => "");
  const summaries = text
    .split("\n")
    .filter((line) => line.includes("summaryEvent"))
    .map((line) => at(JSON.parse(line), "summaryEvent", "resourceChanges"));
  const last = summaries.at(-1);
  if (typeof last !== "object" || last === null) return {};
  return Object.fromEntries(
    Object.entries(last).flatMap(([what, count]) => (typeof count === "number" ? [[what, count]] : [])),
  );
}

/** What a run did or plans with each resource that it does not leave alone: `replace Instance bluegreen-prod-machine-instance`. */
export async function readSteps(eventLog: string): Promise<readonly string[]> {
  const text = await readFile(eventLog, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line.includes("resourcePreEvent"))
    .flatMap((line) => {
      const step = at(JSON.parse(line), "resourcePreEvent", "metadata");
      const operation = String(at(step, "op"));
      const name = String(at(step, "urn")).split("::").at(-1) ?? "";
      const type = String(at(step, "type")).split(":").at(-1) ?? "";
      return /^(create|update|replace|delete)$/.test(operation) ? [`${operation} ${type} ${name}`] : [];
    })
    .sort();
}
