import { attempt, run } from "../../toolchain/setup/commands.ts";
import type { SmokeCheck } from "./checks.ts";
import { type ImageName, type LayerCache, buildWords, pushedReference, tagged } from "./reference.ts";
import { scanImage } from "./scan.ts";
import { smokeTest } from "./smoke.ts";

const BUILD_MS = 1_800_000;

export interface Delivery {
  readonly name: ImageName;
  readonly folder: string;
  readonly cache: LayerCache;
  readonly migrate: readonly string[];
  readonly checks: readonly SmokeCheck[];
  readonly say: (text: string) => void;
}

/**
 * Builds an image, tries it, asks for known weaknesses, and only then pushes it.
 * @throws Error with what is wrong with it; nothing was pushed then
 * @returns the reference by digest, as the registry gave it
 */
export async function deliverImage({ name, folder, cache, migrate, checks, say }: Delivery): Promise<string> {
  const image = tagged(name);
  const { ok } = await attempt("docker", ["buildx", "version"]);
  // The engine's own builder is chosen by hand: without buildx, BuildKit cannot be asked for.
  const env = ok ? process.env : { ...process.env, DOCKER_BUILDKIT: "0" };
  say(`build: ${image}`);
  await run("docker", buildWords(name, folder, cache), { env, timeoutMs: BUILD_MS });
  say(`smoke: ${checks.length} checks`);
  const problems = await smokeTest(image, migrate, checks);
  if (problems.length > 0) throw new Error(`the image was not pushed: ${problems.join("; ")}`);
  say("scan: security updates of its distribution");
  const updates = await scanImage(image);
  if (updates.length > 0) throw new Error(`the image was not pushed: ${updates.join("; ")}`);
  say("push");
  await run("docker", ["push", "--quiet", image], { timeoutMs: BUILD_MS });
  return pushedReference(
    name,
    await run("docker", ["image", "inspect", "--format", "{{json .RepoDigests}}", image]),
  );
}
