import { join } from "node:path";
import { isExecutable, readIfThere } from "./commands.ts";
import { PLUGINS, type PluginName } from "./versions.ts";

/** In the folder of a plugin that was built here: the key of the source it was built from. */
export const BUILT_FROM = "built-from";

export const pluginProgram = (name: PluginName): string => `pulumi-resource-${name}`;

/** Where the CLI looks for a plugin. */
export function pluginFolder(name: PluginName, pulumiHome: string): string {
  return join(pulumiHome, "plugins", `resource-${name}-v${PLUGINS[name]}`);
}

/** What lies where the CLI looks: nothing, the published plugin, or one built from the source with this key. */
export async function installedPlugin(
  name: PluginName,
  pulumiHome: string,
): Promise<"none" | "published" | { readonly builtFrom: string }> {
  const folder = pluginFolder(name, pulumiHome);
  if (!(await isExecutable(join(folder, pluginProgram(name))))) return "none";
  const key = await readIfThere(join(folder, BUILT_FROM));
  return key === undefined ? "published" : { builtFrom: key.trim() };
}
