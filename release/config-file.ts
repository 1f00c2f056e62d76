import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, isMap, parseDocument } from "yaml";
import { z } from "zod";
import { Refusal } from "./outcome.ts";

const plain = z.json();
export type Plain = z.infer<typeof plain>;
export type PlainMap = Readonly<Record<string, Plain>>;
/** What a file's keys become; `undefined` takes one out. */
export type Changes = Readonly<Record<string, Plain | undefined>>;

export function isPlainMap(value: Plain | undefined): value is Record<string, Plain> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of the config as a person reads it; `undefined` for what is not there. */
export function textOf(value: Plain | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const stackFile = z.object({ config: z.record(z.string(), plain).nullish() });

/** A stack's `Pulumi.<stack>.yaml`: what `pulumi up` by hand reads too. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** The project's own keys without their namespace; secrets as they stand there, encrypted. */
  readonly values: PlainMap;
}

/** @throws Refusal where there is no such file, or it is no YAML */
export async function readConfigFile(folder: string, project: string, stack: string): Promise<ConfigFile> {
  const path = join(folder, `Pulumi.${stack}.yaml`);
  const text = await readFile(path, "utf8").catch(() => {
    throw new Refusal(`there is no stack ${stack} here: ${path} is missing`, "name another with --stack");
  });
  return { path, text, values: valuesIn(path, text, project) };
}

/** The project's own keys in a file's text. @throws Refusal where it is no YAML */
export function valuesIn(path: string, text: string, project: string): PlainMap {
  return valuesOf(parse(path, text), project);
}

function parse(path: string, text: string): Document.Parsed {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new Refusal(`${path} cannot be read: ${error.message}`, `mend ${path}`);
  return document;
}

function valuesOf(document: Document.Parsed, project: string): PlainMap {
  const config = stackFile.safeParse(document.toJS()).data?.config ?? {};
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  );
}

/** The file's text with these keys set, `undefined` taken out; comments and order stay. */
export function edited(
  { path, text }: Pick<ConfigFile, "path" | "text">,
  project: string,
  changes: Changes,
): string {
  const document = parse(path, text);
  if (!isMap(document.get("config"))) document.set("config", document.createNode({}));
  for (const [key, value] of Object.entries(changes)) {
    const at = ["config", `${project}:${key}`];
    if (value === undefined) document.deleteIn(at);
    else document.setIn(at, document.createNode(value));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** By rename: whoever reads meanwhile sees the old file or the new one, and of two writers one wins as a whole. */
export async function writeConfigFile(path: string, text: string): Promise<void> {
  const own = `${path}.${randomUUID()}.new`;
  try {
    await writeFile(own, text);
    await rename(own, path);
  } catch (error) {
    await rm(own, { force: true });
    throw error;
  }
}
