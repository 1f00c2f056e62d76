import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { hostScripts } from "../../components/host/scripts.ts";

/** The scripts of a host in `folder`/bin, beside each other as they are there; where one of them lies. */
export async function installScripts(folder: string): Promise<(name: string) => string> {
  const bin = path.join(folder, "bin");
  await mkdir(bin, { recursive: true });
  for (const { path: name, content, mode } of hostScripts())
    await writeFile(path.join(bin, name), content, { mode: mode ?? 0o644 });
  return (name) => path.join(bin, name);
}
