import { attempt } from "../../toolchain/setup/commands.ts";
import type { Update } from "./accepted.ts";

const LIMIT_MS = 180_000;

/**
 * Packages of an image for which its distribution has a security update, from `apt-get --simulate upgrade`. What is only
 * behind is not held against a release: a weekly scan names it.
 */
export function securityUpdates(output: string): readonly Update[] {
  const pattern = /^Inst (\S+) \[([^\]]+)\] \((\S+) ([^)]*)/gm;
  return [...output.matchAll(pattern)].flatMap(([, name = "", old = "", version = "", origin = ""]) =>
    /security/i.test(origin) ? [{ name, old, version }] : [],
  );
}

/** @throws Error where the image's archive does not answer: nothing was learned then */
export async function scanImage(image: string): Promise<readonly Update[]> {
  // An archive whose own index is out of date still says what it has; one that does not answer says nothing.
  const update = "apt-get -o Acquire::Check-Valid-Until=false update -qq >/dev/null";
  const script = `${update} && apt-get --simulate --quiet upgrade`;
  const args = ["run", "--rm", "--user", "0", "--network", "host", "--entrypoint", "sh", image, "-c", script];
  const { ok, stdout, output } = await attempt("docker", args, { timeoutMs: LIMIT_MS });
  if (!ok) throw new Error(`${image} could not be scanned: ${output.trim()}`);
  return securityUpdates(stdout);
}
