import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentKey, exclusively } from "./cache.ts";
import { attempt, run } from "./commands.ts";
import { SOURCE, buildEnv, imageLabels } from "./images.ts";
import { paths } from "./paths.ts";
import { waits } from "./pulumi.ts";
import { type Step, StepError, type StepIo } from "./steps.ts";
import { IMAGES } from "./versions.ts";

/** What the sample has an image for, with the image that it is built on. */
const BASES = { api: IMAGES.python, web: IMAGES.nginx } as const;
export type SampleImage = keyof typeof BASES;
export const SAMPLE_IMAGES: readonly SampleImage[] = ["api", "web"];

const SAMPLE = "bluegreen.sample";
const sourceOf = (what: SampleImage) => join(paths.checkout, "sample", what);

export const sampleImage = (what: SampleImage, release: string) => `bluegreen-sample-${what}:${release}`;

/** A release is a tag of the sample's images: what Docker allows there. */
export function checkRelease(release: string): string {
  if (/^\w[\w.-]{0,63}$/.test(release)) return release;
  throw new Error(
    `RELEASE is "${release}"; allowed are letters, digits, "_", "." and "-": make image RELEASE=3`,
  );
}

/**
 * The folder that an image of the sample is built from.
 * @param scratch an empty folder, for an image that is not built from its sources as they lie there
 * @param log takes the output of what fills it
 */
export async function sampleFolder(
  what: SampleImage,
  release: string,
  scratch: string,
  log?: string,
): Promise<string> {
  switch (what) {
    case "api":
      return sourceOf(what);
    case "web":
      await run(join(sourceOf(what), "pages.sh"), [release, scratch], log === undefined ? {} : { log });
      return scratch;
  }
}

/** Works in an empty folder that is gone afterwards. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bluegreen-sample-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sampleKey(what: SampleImage, release: string): Promise<string> {
  const base = await attempt("docker", ["image", "inspect", "--format", "{{.Id}}", BASES[what]]);
  return contentKey([sourceOf(what)], [release, base.stdout.trim()]);
}

async function isUsed(image: string): Promise<boolean> {
  const args = ["ps", "--all", "--quiet", "--filter", `ancestor=${image}`];
  return (await run("docker", args)).trim() !== "";
}

async function buildSample(what: SampleImage, release: string, key: string, io: StepIo): Promise<void> {
  io.say(`building the sample's ${what} image`);
  const labels = ["--label", `${SOURCE}=${key}`, "--label", `${SAMPLE}=${what}`];
  const named = [...labels, "--tag", sampleImage(what, release)];
  const ofRelease = what === "api" ? ["--build-arg", `RELEASE=${release}`] : [];
  await inScratch(async (scratch) => {
    const folder = await sampleFolder(what, release, scratch, io.log);
    await run("docker", ["build", ...ofRelease, ...named, folder], { log: io.log, env: await buildEnv() });
  });
}

const stepName = (what: SampleImage, release: string) => `sample ${what} ${release}`;

/**
 * Builds one image of a release of the sample. A release is immutable once something runs it: sources that changed since
 * wait for a new one.
 */
function sampleStep(what: SampleImage, release: string, before: string | undefined, asked: boolean): Step {
  const image = sampleImage(what, release);
  return {
    name: stepName(what, release),
    needs: ["docker engine", BASES[what], ...(before === undefined ? [] : [stepName(what, before)])],
    async run(io) {
      const key = await sampleKey(what, release);
      const there = await imageLabels(image);
      if (there?.[SOURCE] === key) return { how: "cached", note: image };
      if (there !== undefined && (await isUsed(image))) {
        if (!asked) return { how: "found", note: `${image}, from older sources (a release does not change)` };
        throw new StepError(
          `release ${release} runs already, from other sources, and a release does not change`,
          "take a number that is still free: make image RELEASE=…",
        );
      }
      await io.heavy(() =>
        exclusively(join(paths.cache, "locks"), `image-sample-${what}`, waits(io.say), () =>
          buildSample(what, release, key, io),
        ),
      );
      return { how: "built", note: image };
    },
  };
}

/**
 * Builds the images of releases of the sample, each release after the one before it, whose layers it has.
 * @param asked whether somebody named the release: one that runs from other sources is then refused
 */
export function sampleSteps(releases: readonly string[], asked: boolean): readonly Step[] {
  return releases.flatMap((release, index) =>
    SAMPLE_IMAGES.map((what) => sampleStep(what, release, releases[index - 1], asked)),
  );
}
