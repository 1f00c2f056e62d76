import * as pulumi from "@pulumi/pulumi";
import { parseRecord, type StackRecord } from "../slot/record.ts";
import { localMemoryMb } from "../host/local.ts";
import { instanceType } from "./instance-types.ts";
import { completeSettings, parseConfig } from "./parse.ts";
import { renderProblems } from "./problems.ts";
import { checkAcrossKeys, checkMemory } from "./rules.ts";
import { checkContracted } from "./contract-rules.ts";
import { checkWatch } from "./watch-rules.ts";
import { awsRegion } from "./region.ts";
import type { HostSettings } from "./host-schema.ts";
import type { Settings } from "./schema.ts";

declare module "@pulumi/pulumi/runtime/config.js" {
  /** Whether a key holds a secret anywhere; the SDK exports it and leaves it out of its types. */
  export function isConfigSecret(key: string): boolean;
}

/** What the stack's last successful run left in its output `record`; `undefined` before the first. */
export async function readRecord(): Promise<StackRecord | undefined> {
  const self = new pulumi.StackReference(
    `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`,
  );
  const details: { readonly secretValue?: unknown } = await self.getOutputDetails("record");
  return parseRecord(details.secretValue);
}

/**
 * The stack's settings, checked key by key and across keys, against what runs now too.
 * @throws RunError with every problem, what is allowed and what to type, before any resource is declared
 */
export function loadSettings(previous: StackRecord | undefined): Settings {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig()).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  );
  const secrets = Object.keys(values).filter((key) => pulumi.runtime.isConfigSecret(prefix + key));
  const parsed = parseConfig(values, new Set(secrets));
  const problems = [
    ...parsed.problems,
    ...checkAcrossKeys(parsed, previous, hostMemoryMb(parsed.settings.host), awsRegion()),
  ];
  if (problems.length > 0) throw new pulumi.RunError(renderProblems(problems, pulumi.getStack()));
  return completeSettings(parsed);
}

/**
 * Holds the memory plan against what the host was found to have.
 * @throws RunError with what fits, before any resource is declared
 */
export function refuseWithoutRoom(settings: Settings, hostMemoryMb: number): void {
  const problems = checkMemory(settings, hostMemoryMb);
  if (problems.length > 0) throw new pulumi.RunError(renderProblems(problems, pulumi.getStack()));
}

/**
 * Holds the config against what the host's watch says of releases.
 * @throws RunError with what is allowed and what to type, before any resource is declared
 */
export function refuseWatched(
  settings: Settings,
  previous: StackRecord | undefined,
  watch: Parameters<typeof checkWatch>[2],
): void {
  const problems = checkWatch(settings, previous, watch);
  if (problems.length > 0) throw new pulumi.RunError(renderProblems(problems, pulumi.getStack()));
}

/**
 * Holds the config against what the host says of migrations that took something away, of a run that failed later too.
 * @throws RunError with what is allowed and what to type, before any resource is declared
 */
export function refuseContracted(
  settings: Settings,
  previous: StackRecord | undefined,
  contracts: Parameters<typeof checkContracted>[2],
): void {
  const problems = checkContracted(settings, previous, contracts);
  if (problems.length > 0) throw new pulumi.RunError(renderProblems(problems, pulumi.getStack()));
}

/** The host's memory, where it is known without asking the host. */
function hostMemoryMb(host: HostSettings | undefined): number {
  switch (host?.kind) {
    case "local":
      return localMemoryMb(host);
    case "ssh":
      return host.memoryMb ?? Number.POSITIVE_INFINITY;
    case "ec2":
      return instanceType(host.instanceType).memoryMb;
    case undefined:
      return Number.POSITIVE_INFINITY;
  }
}
