import { createHash } from "node:crypto";
import { z } from "zod";
import { messageOf } from "../../components/message-of.ts";
import { parsedJson } from "../../components/parsed-json.ts";
import { Refusal } from "../outcome.ts";

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const TIMEOUT_MS = 20_000;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** An image as a registry knows it. */
export interface Listed {
  /** As a person names it, for what is said of it. */
  readonly image: string;
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/**
 * The digest of an image by its registry's word; of one for several machines, that of the list.
 * @throws Refusal where the registry does not know it, does not answer, or does not let us ask
 */
export async function askRegistry(listed: Listed, login: Login | undefined): Promise<string> {
  const { image, registry, repository, tag } = listed;
  const url = `${isLoopback(registry) ? "http" : "https"}://${registry}/v2/${repository}/manifests/${tag}`;
  let authorization: string | undefined;
  let answer = await ask("HEAD", url, image, authorization);
  if (answer.status === 401) {
    authorization = await authorize(answer, image, login);
    answer = await ask("HEAD", url, image, authorization);
  }
  let digest = answer.headers.get("docker-content-digest");
  if (headSaysNothing(answer.status) || (answer.ok && digest === null)) {
    answer = await ask("GET", url, image, authorization);
    digest = await digestOf(answer);
  }
  if (answer.ok && digest !== null && DIGEST.test(digest)) return digest;
  const what =
    answer.status === 404
      ? `${registry} has no image ${image}`
      : `${registry} does not tell the digest of ${image} (status ${answer.status})`;
  throw new Refusal(what, "push it first, or name it with its digest: NAME@sha256:…");
}

/** Whether a registry is on this machine, where it may be asked without TLS, as Docker does. */
export function isLoopback(registry: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/.test(registry);
}

/** Method not allowed, not implemented. */
const headSaysNothing = (status: number): boolean => status === 405 || status === 501;

async function ask(
  method: "HEAD" | "GET",
  url: string,
  image: string,
  authorization: string | undefined,
): Promise<Response> {
  const headers = {
    Accept: MANIFESTS.join(", "),
    ...(authorization !== undefined && { Authorization: authorization }),
  };
  return await fetch(url, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error: unknown) => {
      throw new Refusal(
        `${new URL(url).host} cannot be asked for ${image}: ${messageOf(error)}`,
        "try again, or name the image with its digest: NAME@sha256:…",
      );
    },
  );
}

/** A manifest's digest is its own; a page of somebody in between is no manifest. */
async function digestOf(answer: Response): Promise<string | null> {
  const type = answer.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  if (!answer.ok || !MANIFESTS.includes(type)) return null;
  const body = await answer.arrayBuffer().catch(() => undefined);
  return body === undefined
    ? null
    : `sha256:${createHash("sha256").update(new Uint8Array(body)).digest("hex")}`;
}

/** One way in that a registry offers with a 401. */
export interface Challenge {
  /** In lower case, and so the fields' names. */
  readonly scheme: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Reads a `WWW-Authenticate`: a word with a value belongs to the last one without. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; fields: Record<string, string> }[] = [];
  for (const [, word = "", value] of header.matchAll(
    /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+))?/g,
  )) {
    const last = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), fields: {} });
    else if (last !== undefined) last.fields[word.toLowerCase()] = unquoted(value);
  }
  return challenges;
}

const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;

/** What a registry's 401 asks for: a token from where it names, or the user's own name. */
async function authorize(
  answer: Response,
  image: string,
  login: Login | undefined,
): Promise<string | undefined> {
  const challenges = parseChallenges(answer.headers.get("www-authenticate") ?? "");
  const bearer = challenges.find(({ scheme }) => scheme === "bearer");
  const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  if (bearer === undefined) return basic;
  const where = tokenUrl(bearer);
  const got =
    where &&
    (await fetch(where, {
      headers: basic === undefined ? {} : { Authorization: basic },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => undefined));
  const parsed = token.safeParse(got?.ok === true ? parsedJson(await got.text().catch(() => "")) : undefined);
  if (parsed.success) return `Bearer ${parsed.data}`;
  throw new Refusal(
    `the registry of ${image} does not let us in`,
    "set bluegreen:registry, or name the image with its digest",
  );
}

const token = z.union([
  z.object({ token: z.string() }).transform(({ token }) => token),
  z.object({ access_token: z.string() }).transform(({ access_token }) => access_token),
]);

/** Where the token is; `undefined` where that is no address, or a login would go there for everybody to read. */
function tokenUrl({ fields }: Challenge): URL | undefined {
  const url = URL.parse(fields["realm"] ?? "");
  if (url === null) return undefined;
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.host))) return undefined;
  for (const key of ["service", "scope"]) {
    const value = fields[key];
    if (value !== undefined) url.searchParams.append(key, value);
  }
  return url;
}
