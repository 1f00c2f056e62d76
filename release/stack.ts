import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { LocalWorkspace, Stack as EngineStack } from "@pulumi/pulumi/automation/index.js";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { parseDocument } from "yaml";
import { z } from "zod";
import { messageOf } from "../components/message-of.ts";
import { parseRecord, type StackRecord } from "../components/slot/record.ts";
import {
  type ConfigFile,
  type Changes,
  type PlainMap,
  edited,
  readConfigFile,
  valuesIn,
  writeConfigFile,
} from "./config-file.ts";
import { cutOff } from "./cut-off.ts";
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

/** @throws Refusal where there is no such project or stack, no engine to ask, or a state of another version */
export async function openStack(name: string, from: string): Promise<Stack> {
  const { folder, text } = await projectFolder(from);
  const project = projectIn(folder, text);
  const config = await readConfigFile(folder, project, name);
  const workspace = await LocalWorkspace.create({
    workDir: folder,
    // Whoever runs a command is told by it; the program tells of an update that nobody else tells of.
    envVars: { BLUEGREEN_COMMAND_TELLS: "1" },
  }).catch((error: unknown) => {
    throw cutOff.aborted ? cutShort() : noEngine(error);
  });
  const outputs = await readOutputs(folder, name);
  // `pulumi stack select` would change which stack the person's own next command is for.
  workspace.selectStack = () => Promise.resolve();
  const engine = await EngineStack.select(name, workspace);
  // Three more runs of the engine's CLI at the end of each update, a second each where the processor is slow: not asked for here.
  workspace.stackOutputs = () => Promise.resolve({});
  engine.info = () => Promise.resolve(undefined);
  return { ...{ project, name, folder, config, engine }, record: recordIn(outputs.record), url: outputs.url };
}

const outputsRead = z.object({ record: z.unknown(), url: z.string().optional().catch(undefined) });
const execute = promisify(execFile);

/** In one run of the engine's CLI; the Automation API's `stackOutputs` takes two, to tell which outputs are secret. */
async function readOutputs(folder: string, name: string): Promise<z.infer<typeof outputsRead>> {
  const words = ["stack", "output", "--json", "--show-secrets", "--non-interactive", "--stack", name];
  try {
    const { stdout } = await execute("pulumi", words, { cwd: folder, maxBuffer: 64 * 1024 ** 2 });
    return outputsRead.parse(JSON.parse(stdout));
  } catch (error) {
    if (cutOff.aborted) throw cutShort();
    throw new Refusal(
      `the state of the stack ${name} cannot be read: ${firstLine(error)}`,
      `pulumi stack select --create ${name}, in the same shell as this command`,
    );
  }
}

const projectFile = z.object({ name: z.string() });

function projectIn(folder: string, text: string): string {
  const document = parseDocument(text);
  const read = projectFile.safeParse(document.errors.length === 0 ? document.toJS() : undefined);
  if (read.success) return read.data.name;
  const path = join(folder, "Pulumi.yaml");
  throw new Refusal(`${path} cannot be read: it names no project`, `mend ${path}`);
}

/** Ctrl-C ends the engine's command line too, in the middle of its answer. */
const cutShort = (): Refusal => new Refusal("cut off before anything was changed", "the same command again");

function noEngine(error: unknown): Refusal {
  const said = messageOf(error);
  const what = /ENOENT|not found/.test(said) ? "is missing here" : `cannot be used: ${firstLine(error)}`;
  return new Refusal(`the engine's command line \`pulumi\` ${what}`, 'eval "$(make -s env)"');
}

function recordIn(output: unknown): StackRecord | undefined {
  try {
    return parseRecord(output);
  } catch (error) {
    throw new Refusal(messageOf(error), "check out the version that made the last release, then this again");
  }
}

/** What the last `up` left. @throws Refusal before the first */
export function recordOf({ record, name }: Pick<Stack, "record" | "name">): StackRecord {
  if (record !== undefined) return record;
  throw new Refusal(`the stack ${name} was never brought up`, `pulumi up --stack ${name}`);
}

/** What the engine's CLI said first; the Automation API and Node each put something in front of it. */
export function firstLine(error: unknown): string {
  const text = messageOf(error);
  const said = /stderr: (.*)/.exec(text)?.[1] ?? text.replace(/^Command failed: .*\n/, "");
  return said.split("\n")[0] ?? said;
}

/** A change of the stack's config file that can be taken back. */
export interface Edit {
  /** Puts the file as it was, unless somebody else wrote it since: then `false`. */
  readonly putBack: () => Promise<boolean>;
  /** @throws Refusal where somebody else wrote the file since */
  readonly stillOurs: () => Promise<void>;
}

/** The stack's config with these keys set, in its file. @throws Refusal where somebody else wrote the file since it was read */
export async function setConfig(
  { config, project }: Pick<Stack, "config" | "project">,
  changes: Changes,
): Promise<Edit> {
  const { path } = config;
  const read = () => readFile(path, "utf8").catch(() => "");
  // The engine adds a line of its own (`encryptionsalt`) where there is none: what counts is what the keys say.
  const says = (text: string, wanted: PlainMap): boolean =>
    isDeepStrictEqual(valuesIn(path, text, project), wanted);
  const changedMeanwhile = () =>
    new Refusal(`somebody else changed ${path} meanwhile`, "look at it, then this again");
  const found = await read();
  if (!says(found, config.values)) throw changedMeanwhile();
  const ours = edited({ path, text: found }, project, changes);
  await writeConfigFile(path, ours);
  const wanted = valuesIn(path, ours, project);
  const before: Changes = Object.fromEntries(Object.keys(changes).map((key) => [key, config.values[key]]));
  return {
    putBack: async () => {
      const text = await read();
      if (!says(text, wanted)) return false;
      await writeConfigFile(path, text === ours ? found : edited({ path, text }, project, before));
      return true;
    },
    stillOurs: async () => {
      if (!says(await read(), wanted)) throw changedMeanwhile();
    },
  };
}

/** What of a stack an update needs. */
export type Updating = Pick<Stack, "name"> & { readonly engine: Pick<Stack["engine"], "up"> };

/** @throws Failure with what the engine said */
export async function preview({ engine }: Stack, onEvent: OnEvent): Promise<void> {
  await engine.preview({ onEvent, color: "never" }).catch(asFailure);
}

/** @throws Failure with what the engine said */
export async function update(
  { engine }: Updating,
  message: string,
  onEvent: OnEvent,
  signal?: AbortSignal,
): Promise<void> {
  await engine.up({ onEvent, message, color: "never", ...(signal && { signal }) }).catch(asFailure);
}

function asFailure(error: unknown): never {
  throw new Failure(messageOf(error));
}
