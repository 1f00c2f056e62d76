import { join } from "node:path";
import { z } from "zod";
import { contentKey, exclusively } from "./cache.ts";
import { attempt, readIfThere, run, which } from "./commands.ts";
import { canInstallPackages, installPackages } from "./debian.ts";
import { answers } from "./network.ts";
import { paths } from "./paths.ts";
import { waits } from "./pulumi.ts";
import { type Step, StepError, type StepIo } from "./steps.ts";
import { IMAGES, IMAGE_NAMES, type ImageName } from "./versions.ts";

/** What a stand-in is for; official images don't have it. */
export const STAND_IN = "bluegreen.stand-in";
/** The key of the source an image was built from. */
export const SOURCE = "bluegreen.source";

const BASE = "bluegreen-debian:sid";
const labelsSchema = z.record(z.string(), z.string()).nullable();
const PULL_MS = 900_000;
const folderOf = (name: string) => join(paths.checkout, "toolchain/images", name);

/** The labels of an image on the engine; undefined when it isn't there. */
export async function imageLabels(image: string): Promise<Readonly<Record<string, string>> | undefined> {
  const ran = await attempt("docker", ["image", "inspect", "--format", "{{json .Config.Labels}}", image]);
  if (!ran.ok) return undefined;
  const labels: unknown = JSON.parse(ran.stdout);
  return labelsSchema.parse(labels) ?? {};
}

/** BuildKit where the client has it; the classic builder of older packages otherwise. */
export async function buildEnv(): Promise<NodeJS.ProcessEnv> {
  const { ok } = await attempt("docker", ["buildx", "version"]);
  return ok ? process.env : { ...process.env, DOCKER_BUILDKIT: "0" };
}

/** A public registry, or a mirror that the engine knows and we don't. */
async function canPull(): Promise<boolean> {
  // 401 is how the registry greets who has not said which image.
  if (await answers("https://registry-1.docker.io/v2/", [200, 401])) return true;
  const { ok, stdout } = await attempt("docker", ["info", "--format", "{{len .RegistryConfig.Mirrors}}"]);
  return ok && Number(stdout) > 0;
}

/** Makes the Debian that all stand-ins are built from. */
async function makeBase(io: StepIo): Promise<void> {
  const key = await contentKey([folderOf("base")], [await trusted()]);
  if ((await imageLabels(BASE))?.[SOURCE] === key) return;
  if (!(await canInstallPackages()))
    throw new StepError(
      "the public registry can't be reached, and only root on Debian or Ubuntu can build stand-ins for its images",
      `docker load the images ${Object.values(IMAGES).join(", ")}, or set a registry mirror for the engine`,
    );
  if ((await which("debootstrap")) === undefined) {
    io.say("installing the package debootstrap with apt-get");
    await installPackages(["debootstrap", "debian-archive-keyring"], io.log);
  }
  io.say("making a Debian base for the stand-ins, about 1 minute");
  await run(join(folderOf("base"), "build.sh"), [BASE, key], { log: io.log });
}

/** The certificates this machine trusts: a stand-in is made anew when they change. */
export const trusted = async () => (await readIfThere("/etc/ssl/certs/ca-certificates.crt")) ?? "";

async function standInKey(name: ImageName): Promise<string> {
  return contentKey([folderOf(name), folderOf("base")], [await trusted()]);
}

async function buildStandIn(name: ImageName, key: string, io: StepIo): Promise<void> {
  const image = IMAGES[name];
  io.say(`building a stand-in for ${image} from Debian packages`);
  const labels = ["--label", `${STAND_IN}=${image}`, "--label", `${SOURCE}=${key}`];
  const args = ["build", "--force-rm", ...labels, "--tag", image, folderOf(name)];
  await run("docker", args, { log: io.log, env: await buildEnv() });
}

function imageStep(name: ImageName): Step {
  const image = IMAGES[name];
  return {
    name: image,
    needs: ["docker engine"],
    async run(io) {
      const key = await standInKey(name);
      const before = await imageLabels(image);
      if (before !== undefined && before[STAND_IN] === undefined) return { how: "found" };
      if (before?.[SOURCE] === key) return { how: "cached", note: "stand-in" };
      if (before === undefined && (await source()) === "registry") {
        io.say(`docker pull ${image}`);
        const { ok } = await io.heavy(() =>
          attempt("docker", ["pull", image], { log: io.log, timeoutMs: PULL_MS }),
        );
        if (ok) return { how: "downloaded" };
      }
      await io.heavy(() =>
        exclusively(join(paths.cache, "locks"), `image-${name}`, waits(io.say), async () => {
          await base(io);
          if ((await imageLabels(image))?.[SOURCE] !== key) await buildStandIn(name, key, io);
        }),
      );
      return { how: "built", note: "stand-in from Debian packages" };
    },
  };
}

let asked: Promise<"registry" | "packages"> | undefined;
/** Where images come from; asked once a run, and only when one is missing. */
function source(): Promise<"registry" | "packages"> {
  asked ??= canPull().then((can) => (can ? "registry" : "packages"));
  return asked;
}

let made: Promise<void> | undefined;
/** The base is made once a run, by the first stand-in that needs it. */
function base(io: StepIo): Promise<void> {
  made ??= exclusively(join(paths.cache, "locks"), "image-base", waits(io.say), () => makeBase(io));
  return made;
}

/** A Debian sid to build on: the vendor's where the registry can be reached, else the one the stand-ins have. */
export async function debianBase(io: StepIo): Promise<string> {
  if ((await source()) === "registry") return "debian:sid";
  await base(io);
  return BASE;
}

export const imageSteps: readonly Step[] = IMAGE_NAMES.map(imageStep);
