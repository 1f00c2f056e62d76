import { parse } from "yaml";
import { z } from "zod";
import { type Settings, keySchemas } from "../../components/config/schema.ts";

export type SmokeCheck = Settings["switch"]["smoke"][number];

const stackFile = z.object({
  config: z.object({
    "bluegreen:switch": keySchemas.switch,
    "bluegreen:web": keySchemas.web,
    "bluegreen:memoryMb": keySchemas.memoryMb,
  }),
});

/** How one image of a release is tried: in as much memory as its slot gives it, and by what the switch will ask of it. */
export interface ImageChecks {
  readonly memoryMb: number;
  readonly checks: readonly SmokeCheck[];
}

/** The same of all; `user` is whom the web server runs as, where there is one. */
export interface ReleaseChecks {
  readonly api: ImageChecks;
  readonly web: (ImageChecks & { readonly user: string }) | undefined;
}

/** The smoke checks of a stack's file: what the switch will ask of the release, is asked of its images before they are pushed. */
export function smokeChecksOf(text: string): ReleaseChecks {
  const config = stackFile.parse(parse(text)).config;
  const { "bluegreen:web": web, "bluegreen:memoryMb": memoryMb } = config;
  const { smoke } = config["bluegreen:switch"];
  if (web === undefined) return { api: { memoryMb: memoryMb.api, checks: smoke }, web };
  const isApis = ({ path }: SmokeCheck) => web.apiPaths.some((one) => isBelow(path, one));
  return {
    api: { memoryMb: memoryMb.api, checks: smoke.filter(isApis) },
    web: { memoryMb: memoryMb.web, checks: smoke.filter((one) => !isApis(one)), user: web.user },
  };
}

const isBelow = (path: string, prefix: string) => {
  const [plain = ""] = path.split("?");
  return plain === prefix || plain.startsWith(`${prefix}/`);
};

function valueAt(value: unknown, dotted: string): unknown {
  let found = value;
  for (const key of dotted.split(".")) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

export interface Answer {
  readonly status: number;
  /** Empty where the header is not there. */
  readonly cacheControl: string;
  readonly body: string;
}

/** What is wrong with a page; undefined where it is there, and asked for anew each time. */
export function judgePage(path: string, { status, cacheControl }: Answer): string | undefined {
  if (status !== 200) return `${path} answered ${status}, not 200`;
  if (/\bno-(cache|store)\b/i.test(cacheControl)) return undefined;
  const got = cacheControl === "" ? "no Cache-Control" : `Cache-Control "${cacheControl}"`;
  return `${path} has ${got}, not no-cache or no-store: browsers would keep the page of a release that is gone`;
}

/** What is wrong with the status of an asset that is not there; undefined where the gateway would ask the other colour for it. */
export function judgeMissing(path: string, status: number): string | undefined {
  if (status === 404) return undefined;
  const why = "visitors would get this in the place of a file that only the other colour has";
  return `${path} answered ${status}, not 404: ${why}; in Nginx: location /assets/ { try_files $uri =404; }`;
}

/** What is wrong with an answer; undefined where it is as the check wants it. */
export function judgeAnswer(
  wanted: SmokeCheck,
  { status, body }: Pick<Answer, "status" | "body">,
): string | undefined {
  if (status !== wanted.status) return `${wanted.path} answered ${status}, not ${wanted.status}`;
  const fields = Object.entries(wanted.json ?? {});
  if (fields.length === 0) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return `${wanted.path} answered no JSON`;
  }
  const wrong = fields.find(([path, value]) => valueAt(document, path) !== value);
  if (wrong === undefined) return undefined;
  const [path, value] = wrong;
  return `${wanted.path}: ${path} is ${JSON.stringify(valueAt(document, path))}, not ${JSON.stringify(value)}`;
}
