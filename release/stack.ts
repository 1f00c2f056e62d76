import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { LocalWorkspace, Stack as EngineStack } from "@pulumi/pulumi/automation/index.js";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf } from "../components/message-of.ts";
import { parseRecord, type StackRecord } from "../components/slot/record.ts";
import {
  type ConfigFile,
  type Changes,
  edited,
  readConfigFile,
  valuesIn,
  writeConfigFile,
} from "./config-file.ts";
import { Failure, Refusal } from "./outcome.ts";

export type OnEvent = (event: EngineEvent) => void;

/** One stack, as the engine and its files know it. */
export interface Stack {
  readonly project: string;
  readonly name: string;
  readonly folder: string;
  readonly config: ConfigFile;
  /** What the last `up` left; `undefined` before the first. */
  readonly record: StackRecord | undefined;
  readonly url: string | undefined;
  readonly engine: EngineStack;
}

/** The folder of the Pulumi project that `from` lies in. */
async function projectFolder(from: string): Promise<{ readonly folder: string; readonly text: string }> {
  const text = await readFile(join(from, "Pulumi.yaml"), "utf8").catch(() => undefined);
  if (text !== undefined) return { folder: from, text };
  if (dirname(from) === from) {
    throw new Refusal("there is no Pulumi.yaml here or in a folder above", "go to the project's folder");
  }
  return await projectFolder(dirname(from));
}

/** @throws Refusal where there is no such project or stack, or its state is another version's */
export async function openStack(name: string, from: string): Promise<Stack> {
  const { folder, text } = await projectFolder(from);
  const { name: project } = z.object({ name: z.string() }).parse(parse(text));
  const config = await readConfigFile(folder, project, name);
  const workspace = await LocalWorkspace.create({ workDir: folder });
  // `pulumi stack select` would change which stack the person's own next command is for.
  workspace.selectStack = () => Promise.resolve();
  const engine = await EngineStack.select(name, workspace);
  const outputs = await workspace.stackOutputs(name).catch((error: unknown) => {
    throw new Refusal(
      `the state of the stack ${name} cannot be read: ${firstLine(error)}`,
      `pulumi stack select --create ${name}, in the same shell as this command`,
    );
  });
  const url: unknown = outputs["url"]?.value;
  return {
    ...{ project, name, folder, config, engine },
    record: parseRecord(outputs["record"]?.value),
    url: typeof url === "string" ? url : undefined,
  };
}

/** What the last `up` left. @throws Refusal before the first */
export function recordOf({ record, name }: Pick<Stack, "record" | "name">): StackRecord {
  if (record !== undefined) return record;
  throw new Refusal(`the stack ${name} was never brought up`, `pulumi up --stack ${name}`);
}

/** What the engine's CLI said first; the Automation API wraps all of it. */
export function firstLine(error: unknown): string {
  const text = messageOf(error);
  const said = /stderr: (.*)/.exec(text)?.[1] ?? text;
  return said.split("\n")[0] ?? said;
}

/** A change of the stack's config file that can be taken back. */
export interface Edit {
  /** Puts the file as it was, unless somebody else wrote it since. */
  readonly putBack: () => Promise<void>;
  /** @throws Refusal where somebody else wrote the file since */
  readonly stillOurs: () => Promise<void>;
}

/** The stack's config with these keys set, in its file. */
export async function setConfig(
  { config, project }: Pick<Stack, "config" | "project">,
  changes: Changes,
): Promise<Edit> {
  const ours = edited(config, project, changes);
  await writeConfigFile(config.path, ours);
  // The engine adds a line of its own (`encryptionsalt`) where there is none: what counts is what the keys say.
  const wanted = valuesIn(config.path, ours, project);
  const read = () => readFile(config.path, "utf8").catch(() => "");
  const isOurs = (text: string): boolean => isDeepStrictEqual(valuesIn(config.path, text, project), wanted);
  const before: Changes = Object.fromEntries(Object.keys(changes).map((key) => [key, config.values[key]]));
  return {
    putBack: async () => {
      const text = await read();
      if (!isOurs(text)) return;
      const back = text === ours ? config.text : edited({ path: config.path, text }, project, before);
      await writeConfigFile(config.path, back);
    },
    stillOurs: async () => {
      if (isOurs(await read())) return;
      throw new Refusal(`somebody else changed ${config.path} meanwhile`, "look at it, then this again");
    },
  };
}

/** @throws Failure with what the engine said */
export async function preview({ engine }: Stack, onEvent: OnEvent): Promise<void> {
  await engine.preview({ onEvent, color: "never" }).catch(asFailure);
}

/** @throws Failure with what the engine said */
export async function update(
  { engine }: Stack,
  message: string,
  onEvent: OnEvent,
  signal?: AbortSignal,
): Promise<void> {
  await engine.up({ onEvent, message, color: "never", ...(signal && { signal }) }).catch(asFailure);
}

function asFailure(error: unknown): never {
  throw new Failure(messageOf(error));
}
