import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { quote } from "../../components/host/quote.ts";
import { type Env, type Paths, folderBackend, paths } from "./paths.ts";
import { installedPlugin } from "./plugin-folder.ts";
import { locatePulumi } from "./pulumi.ts";
import type { PluginName } from "./versions.ts";

/** What the shell's environment follows from, beside the environment itself. */
export interface Tools {
  /** Folders of the tools that are not on PATH by themselves. */
  readonly folders: readonly string[];
  /** Whether a plugin was built here: the CLI must then not try to fetch any. */
  readonly pluginsBuilt: boolean;
}

/** PATH with folders put first, each folder once. */
export function pathWith(folders: readonly string[], path: string): string {
  return [...new Set([...folders, ...path.split(delimiter)])]
    .filter((folder) => folder !== "")
    .join(delimiter);
}

/**
 * The variables with which the ordinary commands work on this project's stacks. What the user has set stays: another
 * backend, another passphrase, another plugin folder.
 */
export function variablesOf(env: Env, where: Paths, tools: Tools): Record<string, string> {
  const isSet = (name: string) => (env[name] ?? "") !== "";
  const variables: Record<string, string> = {
    PATH: pathWith([...tools.folders, join(where.checkout, "node_modules/.bin")], env["PATH"] ?? ""),
    PULUMI_HOME: where.pulumiHome,
    PULUMI_SKIP_UPDATE_CHECK: env["PULUMI_SKIP_UPDATE_CHECK"] ?? "true",
    // The SDK's modules, compiled once: the program starts in two thirds of the time.
    NODE_COMPILE_CACHE: env["NODE_COMPILE_CACHE"] ?? join(where.cache, "node-compile"),
  };
  if (isSet("PULUMI_BACKEND_URL")) variables["PULUMI_BACKEND_URL"] = env["PULUMI_BACKEND_URL"] ?? "";
  else if (!isSet("PULUMI_ACCESS_TOKEN"))
    variables["PULUMI_BACKEND_URL"] = folderBackend(join(where.state, "state"));
  if (isSet("PULUMI_CONFIG_PASSPHRASE_FILE"))
    variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = env["PULUMI_CONFIG_PASSPHRASE_FILE"] ?? "";
  else if (env["PULUMI_CONFIG_PASSPHRASE"] === undefined)
    variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = join(where.state, "passphrase");
  if (tools.pluginsBuilt) variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true";
  return variables;
}

/** Lines for `eval` in a shell. */
export function renderExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quote(value)}\n`)
    .join("");
}

/** Makes the folder of the state and, once, the passphrase of its secrets. */
export function prepareState(where: Paths): void {
  mkdirSync(join(where.state, "state"), { recursive: true, mode: 0o700 });
  const temporary = join(where.state, `.passphrase-${process.pid}`);
  writeFileSync(temporary, randomBytes(32).toString("base64url"), { mode: 0o600 });
  try {
    // A link, unlike a rename, never puts a second passphrase over the one that secrets are kept with.
    linkSync(temporary, join(where.state, "passphrase"));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function findTools(): Promise<Tools> {
  const located = await locatePulumi();
  const folders = located === undefined || located.how === "found" ? [] : [located.folder];
  const names: readonly PluginName[] = ["docker", "command", "aws", "cloudflare"];
  const installed = await Promise.all(names.map((name) => installedPlugin(name, paths.pulumiHome)));
  return { folders, pluginsBuilt: installed.some((plugin) => typeof plugin === "object") };
}

/** The variables for a shell on this machine; what they name is there afterwards. */
export async function shellVariables(): Promise<Record<string, string>> {
  prepareState(paths);
  return variablesOf(process.env, paths, await findTools());
}

/** The environment in which this program runs `pulumi` and npm's scripts. */
export async function commandEnv(): Promise<NodeJS.ProcessEnv> {
  return { ...process.env, ...(await shellVariables()) };
}
