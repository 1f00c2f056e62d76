import { attempt, run } from "../../toolchain/setup/commands.ts";
import { paths } from "../../toolchain/setup/paths.ts";
import { inScratch } from "../../toolchain/setup/sample.ts";
import { ACCEPTED_FILE, acceptedIn, judgeUpdates } from "./accepted.ts";
import {
  type ImageName,
  type LayerCache,
  buildWords,
  pushedReference,
  releaseOf,
  tagged,
} from "./reference.ts";
import { scanImage } from "./scan.ts";

const BUILD_MS = 1_800_000;

/** One image of a release. */
export interface Delivery {
  /** What of the release it is: `api`, `web`. */
  readonly part: string;
  readonly name: ImageName;
  readonly cache: LayerCache;
  /** Gives the folder that it is built from; may fill an empty one, which is gone afterwards. */
  readonly folder: (release: string, scratch: string) => Promise<string>;
  /** Starts the image, and gives what is wrong with its answers. @throws Error where it does not start */
  readonly smoke: (image: string) => Promise<readonly string[]>;
}

async function build({ name, folder, cache }: Delivery, env: NodeJS.ProcessEnv): Promise<void> {
  await inScratch(async (scratch) => {
    const words = buildWords(name, await folder(releaseOf(name), scratch), cache);
    await run("docker", words, { env, timeoutMs: BUILD_MS });
  });
}

async function push({ name }: Delivery): Promise<string> {
  const image = tagged(name);
  await run("docker", ["push", "--quiet", image], { timeoutMs: BUILD_MS });
  const words = ["image", "inspect", "--format", "{{json .RepoDigests}}", image];
  return pushedReference(name, await run("docker", words));
}

/**
 * Builds the images of a release, tries each, asks for known weaknesses, and pushes them only where nothing is wrong with any.
 * @throws Error with what is wrong with them; nothing was pushed then
 * @returns each part's reference by digest, as the registry gave it
 */
export async function deliverImages(
  images: readonly Delivery[],
  say: (text: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const { ok } = await attempt("docker", ["buildx", "version"]);
  // The engine's own builder is chosen by hand: without buildx, BuildKit cannot be asked for.
  const env = ok ? process.env : { ...process.env, DOCKER_BUILDKIT: "0" };
  const [mayLack, today] = [await acceptedIn(paths.checkout), new Date().toISOString().slice(0, 10)];
  const problems: string[] = [];
  let advice = "";
  for (const delivery of images) {
    const image = tagged(delivery.name);
    say(`build: ${image}`);
    await build(delivery, env);
    say(`smoke: ${delivery.part}, as a release starts it`);
    const wrong = await delivery.smoke(image);
    say(`scan: ${delivery.part}, for security updates of its distribution`);
    const { refused, accepted } = judgeUpdates(await scanImage(image), mayLack, today);
    for (const one of accepted) say(`scan: ${delivery.part}, ${one}`);
    problems.push(...[...wrong, ...refused].map((one) => `${delivery.part}: ${one}`));
    if (refused.length > 0) advice = `; where a release cannot wait for an update: ${ACCEPTED_FILE}`;
  }
  if (problems.length > 0) throw new Error(`nothing was pushed: ${problems.join("; ")}${advice}`);
  const references: [string, string][] = [];
  for (const delivery of images) {
    say(`push: ${delivery.part}`);
    references.push([delivery.part, await push(delivery)]);
  }
  return Object.fromEntries(references);
}
