import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { exclusively } from "./cache.ts";
import { attempt, isExecutable } from "./commands.ts";
import { commandEnv } from "./env.ts";
import { answers } from "./network.ts";
import { paths } from "./paths.ts";
import { BUILT_FROM, installedPlugin, pluginFolder, pluginProgram } from "./plugin-folder.ts";
import { buildTools, sourceKey, waits } from "./pulumi.ts";
import type { Step, StepIo } from "./steps.ts";
import { PLUGINS, type PluginName } from "./versions.ts";

// The largest of them, aws, is 150 MB.
const INSTALL_MS = 600_000;
const ARCH = process.arch === "arm64" ? "arm64" : "amd64";

/** Puts a plugin where the CLI looks for it; it appears whole or not at all. */
async function install(
  name: PluginName,
  from: string,
  builtFrom: string | undefined,
  io: StepIo,
): Promise<void> {
  const target = pluginFolder(name, paths.pulumiHome);
  const unfinished = `${target}.unfinished`;
  await exclusively(join(paths.cache, "locks"), `install-${name}`, waits(io.say), async () => {
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(join(paths.pulumiHome, "plugins"), { recursive: true });
    await cp(from, unfinished, { recursive: true });
    if (builtFrom !== undefined) await writeFile(join(unfinished, BUILT_FROM), `${builtFrom}\n`);
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
  });
}

/** Asks the CLI to fetch the published plugin; false when that can't be done from here. */
async function fetchPublished(name: PluginName, { log, say }: StepIo): Promise<boolean> {
  const file = `${pluginProgram(name)}-v${PLUGINS[name]}-${process.platform}-${ARCH}.tar.gz`;
  if (!(await answers(`https://get.pulumi.com/releases/plugins/${file}`, [200]))) return false;
  say("downloading");
  const env = { ...(await commandEnv()), PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "false" };
  const args = ["plugin", "install", "resource", name, PLUGINS[name]];
  const { ok } = await attempt("pulumi", args, { env, log, timeoutMs: INSTALL_MS });
  return ok && (await installedPlugin(name, paths.pulumiHome)) === "published";
}

function pluginStep(name: PluginName, minutes: string): Step {
  const source = `${name}-plugin`;
  const version = PLUGINS[name];
  return {
    name: `${name} plugin`,
    needs: ["pulumi"],
    async run(io) {
      const key = await sourceKey(source);
      const installed = await installedPlugin(name, paths.pulumiHome);
      if (installed === "published") return { how: "found", note: version };
      if (installed !== "none" && installed.builtFrom === key)
        return { how: "cached", note: `${version}, from source` };
      const users = join(homedir(), ".pulumi");
      if (installed === "none" && (await installedPlugin(name, users)) === "published") {
        await install(name, pluginFolder(name, users), undefined, io);
        return { how: "found", note: `${version} in ${users}` };
      }
      const built = join(paths.cache, `${source}-${key}`);
      const isCached = await isExecutable(join(built, pluginProgram(name)));
      if (!isCached) {
        if (installed === "none" && (await fetchPublished(name, io)))
          return { how: "downloaded", note: version };
        await buildTools(source, [source], [pluginProgram(name)], minutes, io);
      }
      await install(name, built, key, io);
      return { how: isCached ? "cached" : "built", note: `${version}, from source` };
    },
  };
}

export const pluginSteps: readonly Step[] = [
  pluginStep("docker", "about 2 minutes"),
  pluginStep("command", "about a minute"),
];

/** Of the stacks with a machine in AWS and a zone at Cloudflare; only their tests ask for them here. */
export const cloudPluginSteps: readonly Step[] = [
  pluginStep("aws", "about 6 minutes"),
  pluginStep("cloudflare", "about 9 minutes"),
];
