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
