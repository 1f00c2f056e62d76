import { join } from "node:path";
import { contentKey, exclusively } from "./cache.ts";
import { attempt, run } from "./commands.ts";
import { SOURCE, buildEnv, imageLabels } from "./images.ts";
import { paths } from "./paths.ts";
import { waits } from "./pulumi.ts";
import { type Step, StepError, type StepIo } from "./steps.ts";
import { IMAGES } from "./versions.ts";

const FOLDER = join(paths.checkout, "sample/api");
const SAMPLE = "bluegreen.sample";

export const sampleImage = (release: string) => `bluegreen-sample-api:${release}`;

/** A release is a tag of the sample's image: what Docker allows there. */
export function checkRelease(release: string): string {
  if (/^\w[\w.-]{0,63}$/.test(release)) return release;
  throw new Error(
    `RELEASE is "${release}"; allowed are letters, digits, "_", "." and "-": make image RELEASE=3`,
  );
}

async function sampleKey(release: string): Promise<string> {
  const base = await attempt("docker", ["image", "inspect", "--format", "{{.Id}}", IMAGES.python]);
  return contentKey([FOLDER], [release, base.stdout.trim()]);
}

async function isUsed(image: string): Promise<boolean> {
  const args = ["ps", "--all", "--quiet", "--filter", `ancestor=${image}`];
  return (await run("docker", args)).trim() !== "";
}

/**
 * Builds a release of the sample application. A release is immutable once something runs it: sources that changed since
 * wait for a new one.
 */
export function sampleStep(release: string, needs: readonly string[], asked: boolean): Step {
  const image = sampleImage(release);
  const build = async (key: string, io: StepIo) => {
    io.say("building the sample application");
    const labels = ["--label", `${SOURCE}=${key}`, "--label", `${SAMPLE}=api`];
    const args = ["build", "--build-arg", `RELEASE=${release}`, ...labels, "--tag", image, FOLDER];
    await run("docker", args, { log: io.log, env: await buildEnv() });
  };
  return {
    name: `sample ${release}`,
    needs: ["docker engine", IMAGES.python, ...needs],
    async run(io) {
      const key = await sampleKey(release);
      const before = await imageLabels(image);
      if (before?.[SOURCE] === key) return { how: "cached", note: image };
      if (before !== undefined && (await isUsed(image))) {
        if (!asked) return { how: "found", note: `${image}, from older sources (a release does not change)` };
        throw new StepError(
          `release ${release} runs already, from other sources, and a release does not change`,
          "take a number that is still free: make image RELEASE=…",
        );
      }
      await io.heavy(() =>
        exclusively(join(paths.cache, "locks"), "image-sample", waits(io.say), () => build(key, io)),
      );
      return { how: "built", note: image };
    },
  };
}
