import { z } from "zod";
import { parsedJson } from "../../components/parsed-json.ts";
import { Refusal } from "../outcome.ts";
import { type Stack, firstLine } from "../stack.ts";
import { type Login, askRegistry } from "./registry.ts";

const HUB = "registry-1.docker.io";
/** What Docker Hub is called in names and logins; another address is its registry's. */
const HUB_NAMES = ["docker.io", "index.docker.io", HUB];

/** What of a stack tells how its registry is asked. */
export type Asking = Pick<Stack, "config" | "project"> & {
  readonly engine: Pick<Stack["engine"], "getConfig">;
};

/** An image's name in its parts. */
export interface ImageName {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

/** Reads a name as Docker does: without a registry it is one of Docker Hub. @throws Refusal for what is none */
export function parseImage(image: string): ImageName {
  const match =
    /^(?:([^/]*[.:][^/]*|localhost)\/)?([a-z0-9][a-z0-9._/-]*)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
      image,
    );
  const [, registry, repository, tag, digest] = match ?? [];
  if (repository === undefined) {
    throw new Refusal(`"${image}" is no image`, "name it as REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:…");
  }
  const hub = registry === undefined || HUB_NAMES.includes(registry);
  return {
    registry: hub ? HUB : registry,
    repository: hub && !repository.includes("/") ? `library/${repository}` : repository,
    tag: tag ?? "latest",
    digest,
  };
}

/**
 * The images with their digests. On a local host an image without a registry is one that was built there: it stays as named.
 * @throws Refusal where a registry does not know an image, or does not let us ask
 */
export async function resolveImages(
  stack: Asking,
  images: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(images).map(
    async ([part, image]) => [part, await resolve(stack, image)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function resolve(stack: Asking, image: string): Promise<string> {
  const name = parseImage(image);
  if (name.digest !== undefined) return image;
  if (isLocal(stack) && !namesRegistry(image)) return image;
  const digest = await askRegistry({ ...name, image }, await login(stack, name.registry));
  return `${image.replace(/:[^/:]*$/, "")}@${digest}`;
}

export function namesRegistry(image: string): boolean {
  return /^[^/]*[.:][^/]*\//.test(image);
}

const hostKind = z.object({ kind: z.string() });

function isLocal({ config }: Pick<Asking, "config">): boolean {
  return hostKind.safeParse(config.values["host"]).data?.kind === "local";
}

const registrySettings = z.object({ address: z.string(), username: z.string(), password: z.string() });

/** What the config knows of this registry; for another one nothing is sent. */
async function login({ config, engine, project }: Asking, registry: string): Promise<Login | undefined> {
  if (config.values["registry"] === undefined) return undefined;
  const { value } = await engine.getConfig(`${project}:registry`).catch((error: unknown) => {
    throw new Refusal(
      `bluegreen:registry cannot be read: ${firstLine(error)}`,
      "pulumi preview, with the same --stack, says what is wrong with it",
    );
  });
  const known = registrySettings.safeParse(parsedJson(value)).data;
  if (known === undefined) return undefined;
  const address = HUB_NAMES.includes(known.address) ? HUB : known.address;
  return address === registry ? known : undefined;
}
