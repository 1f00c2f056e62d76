import { z } from "zod";
import { messageOf } from "../../components/message-of.ts";
import { parsedJson } from "../../components/parsed-json.ts";
import { Refusal } from "../outcome.ts";
import type { Stack } from "../stack.ts";

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const HUB = "registry-1.docker.io";
const TIMEOUT_MS = 20_000;

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
  const hub = registry === undefined || registry === "docker.io";
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
  const digest = await askRegistry(name, image, await login(stack, name.registry));
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
type Login = z.infer<typeof registrySettings>;

/** What the config knows of this registry; for another one nothing is sent. */
async function login({ config, engine, project }: Asking, registry: string): Promise<Login | undefined> {
  if (config.values["registry"] === undefined) return undefined;
  const { value } = await engine.getConfig(`${project}:registry`);
  const known = registrySettings.safeParse(parsedJson(value)).data;
  const address = known?.address === "docker.io" ? HUB : known?.address;
  return address === registry ? known : undefined;
}

async function askRegistry(name: ImageName, image: string, user: Login | undefined): Promise<string> {
  const { registry, repository, tag } = name;
  const scheme = /^(localhost|127\.)/.test(registry) ? "http" : "https";
  const url = `${scheme}://${registry}/v2/${repository}/manifests/${tag}`;
  const first = await head(url, image, undefined);
  const answer =
    first.status === 401 ? await head(url, image, await authorization(first, image, user)) : first;
  const digest = answer.headers.get("docker-content-digest");
  if (answer.ok && digest !== null) return digest;
  const what =
    answer.status === 404
      ? `${registry} has no image ${image}`
      : `${registry} does not tell the digest of ${image} (status ${answer.status})`;
  throw new Refusal(what, "push it first, or name it with its digest: NAME@sha256:…");
}

async function head(url: string, image: string, authorization: string | undefined): Promise<Response> {
  const headers = { Accept: MANIFESTS, ...(authorization !== undefined && { Authorization: authorization }) };
  return await fetch(url, { method: "HEAD", headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error: unknown) => {
      throw new Refusal(
        `${new URL(url).host} cannot be asked for ${image}: ${messageOf(error)}`,
        "try again, or name the image with its digest: NAME@sha256:…",
      );
    },
  );
}

const token = z.union([
  z.object({ token: z.string() }).transform(({ token }) => token),
  z.object({ access_token: z.string() }).transform(({ access_token }) => access_token),
]);

/** What a registry's 401 asks for: a token from where it names, or the user's own name. */
async function authorization(
  answer: Response,
  image: string,
  user: Login | undefined,
): Promise<string | undefined> {
  const challenge = answer.headers.get("www-authenticate") ?? "";
  const basic = user && `Basic ${Buffer.from(`${user.username}:${user.password}`).toString("base64")}`;
  if (!/^bearer /i.test(challenge)) return basic;
  const fields = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
  );
  const { realm, ...query } = fields;
  if (realm === undefined) return basic;
  const where = `${realm}?${new URLSearchParams(query).toString()}`;
  const got = await fetch(where, {
    headers: basic === undefined ? {} : { Authorization: basic },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => undefined);
  const parsed = token.safeParse(got?.ok === true ? await got.json() : undefined);
  if (!parsed.success) {
    throw new Refusal(
      `the registry of ${image} does not let us in`,
      "set bluegreen:registry, or name the image with its digest",
    );
  }
  return `Bearer ${parsed.data}`;
}
