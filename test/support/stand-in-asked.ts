import { appendFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { KnownHost } from "../../release/host.ts";
import { HostError } from "../../release/outcome.ts";
import { run } from "./process.ts";
import type { StandInStack } from "./stand-in-stack.ts";

/** The host of such a stack, asked as the command line asks it. */
export function hostOf({ folder, host: directory }: StandInStack): KnownHost {
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  return {
    directory,
    ask: async ([file = "", ...args], input = "") => {
      const { code, stdout, stderr } = await run(file, args, { env, input });
      if (code !== 0) throw new HostError(stderr.trim(), "dev");
      return stdout;
    },
  };
}

/** Adds keys to such a stack's file, as YAML by name. */
export async function alsoSays(
  { folder }: StandInStack,
  keys: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(keys).map(([key, value]) => `  bluegreen:${key}: ${value}\n`);
  await appendFile(join(folder, "Pulumi.dev.yaml"), lines.join(""));
}

/** Lets such a stack's engine say whose state it is, too, and these channels when it is asked to decrypt a key. */
export async function alsoTells(stack: StandInStack, channels: readonly object[] = []): Promise<void> {
  const [pulumi, plain] = ["pulumi", "plain-pulumi"].map((name) => join(stack.folder, name));
  await rename(pulumi ?? "", plain ?? "");
  await stack.program(
    "pulumi",
    `case "$1 \${2-}" in
       'whoami '*) echo '{"user":"anna","url":"https://api.example.com"}' ;;
       'config get') echo '${JSON.stringify({ value: JSON.stringify(channels), secret: true })}' ;;
       *) exec "\${0%/*}/plain-pulumi" "$@" ;;
     esac`,
  );
}
