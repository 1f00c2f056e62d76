import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { parse } from "yaml";

import { at } from "./json.ts";
import type { Config, Stack } from "./stack.ts";

/** A value that nothing else on the machine holds. */
export function newSecret(): string {
  return `e2e-${randomBytes(18).toString("base64url")}`;
}

/** Encrypts values under `key` as `pulumi config set --secret` does; what the stack's file then holds there. */
export async function encrypted(
  stack: Stack,
  key: string,
  values: Readonly<Record<string, string>>,
): Promise<Config[string]> {
  for (const [name, value] of Object.entries(values))
    await stack.pulumi("config", "set", "--stack", stack.name, "--secret", "--path", `${key}.${name}`, value);
  const text = await readFile(path.join(stack.project, `Pulumi.${stack.name}.yaml`), "utf8");
  const file: unknown = parse(text);
  const names = Object.keys(values).map((name) => {
    const ciphertext = at(file, "config", `bluegreen:${key}`, name, "secure");
    assert.ok(typeof ciphertext === "string", `${key}.${name} is not encrypted:\n${text}`);
    return [name, { secure: ciphertext }] as const;
  });
  return Object.fromEntries(names);
}

/**
 * What the engine's CLI logged by itself since then that anybody with the file can read: it encrypts a log once it knows the stack's
 * secrets, and until then only compresses it.
 */
export async function engineLogs(since: Date): Promise<string> {
  const folder = path.join(process.env["PULUMI_HOME"] ?? path.join(os.homedir(), ".pulumi"), "logs");
  const files = (await readdir(folder)).map((name) => path.join(folder, name));
  const texts = files.map(async (file) => {
    // Another run's log may be the one that the CLI removes now.
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || found.mtime < since) return "";
    const content = await readFile(file);
    const compressed = content[0] === 0x1f && content[1] === 0x8b;
    // One that is still written has no end yet.
    return compressed ? gunzipSync(content, { finishFlush: constants.Z_SYNC_FLUSH }).toString() : "";
  });
  return (await Promise.all(texts)).join("\n");
}

/** Every process's command line and environment that can be read, by what runs. */
export interface Process {
  readonly command: string;
  readonly environment: string;
}

export async function processes(): Promise<readonly Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  return await Promise.all(
    pids.map(async (pid) => ({
      command: (await read(pid, "cmdline")).replaceAll("\0", " "),
      environment: await read(pid, "environ"),
    })),
  );
}

/**
 * What each process shows, under its name. Pulumi hands its program the decrypted config in the environment (variable
 * PULUMI_CONFIG), readable by the deployer's own user: there, and nowhere else, that variable is left out.
 */
export function shownBy({ command, environment }: Process): string {
  const isProgram = /@pulumi\/pulumi\/cmd\/run\b/.test(command);
  const variables = environment.split("\0");
  const others = isProgram ? variables.filter((line) => !line.startsWith("PULUMI_CONFIG=")) : variables;
  return [command, ...others].join("\n");
}

/**
 * An engine's event log without the lines that are for debugging: in those, which only `--debug` and `--event-log` ask
 * for, the SDK writes its messages as they are.
 */
export function withoutDebug(log: string): string {
  return log
    .split("\n")
    .filter((line) => !line.includes('"severity":"debug"'))
    .join("\n");
}

/** Fails when a text holds one of the values, as it is or in base64. */
export function assertAbsent(values: readonly string[], text: string, where: string): void {
  assert.ok(text.length > 0, `${where}: nothing to look at`);
  for (const value of values)
    for (const form of [value, Buffer.from(value).toString("base64").replace(/=+$/, "").slice(0, -1)])
      assert.ok(!text.includes(form), `a secret stands in ${where}`);
}
