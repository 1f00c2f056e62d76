import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { CLOUDFLARE_IPV4, CLOUDFLARE_IPV6 } from "../../components/edge/cloudflare-ranges.ts";
import { type Registration, runProgram } from "./program.ts";
import { atFirst, readStackFile, stackFileText } from "./stack-file.ts";

export const GOLDEN_STACKS = ["dev", "staging", "prod"] as const;
export type GoldenStack = (typeof GOLDEN_STACKS)[number];

export function goldenFile(stack: GoldenStack): URL {
  return new URL(`../golden/${stack}.txt`, import.meta.url);
}

/** What AWS and Cloudflare answer to a first `up`. */
const CALLS = {
  "aws:ssm/getParameter:getParameter": { value: "ami-00000000000000000" },
  "cloudflare:index/getZone:getZone": { id: "0123456789abcdef0123456789abcdef" },
  "cloudflare:index/getDnsRecords:getDnsRecords": { results: [{ content: '"owner=bluegreen/prod"' }] },
  "cloudflare:index/getIpRanges:getIpRanges": {
    ipv4Cidrs: [...CLOUDFLARE_IPV4],
    ipv6Cidrs: [...CLOUDFLARE_IPV6],
  },
};

/** A developer's own socket and folder differ from machine to machine. */
const DEV_HOST = '{"kind":"local","engine":"SOCKET","directory":"/srv/bluegreen-dev","memoryMb":2048}';

/** Every resource of a stack's first `up`, by the settings of its file. */
export async function declaredBy(
  stack: GoldenStack,
  text = stackFileText(stack),
): Promise<readonly Registration[]> {
  const { config, otherConfig, secrets } = readStackFile(stack, atFirst(stack, text));
  const { registrations } = await runProgram({
    stack,
    config: stack === "dev" ? { ...config, host: DEV_HOST } : config,
    secrets,
    otherConfig: { ...otherConfig, "cloudflare:apiToken": "x".repeat(40) },
    calls: CALLS,
  });
  return registrations;
}

/** The same as text, with all inputs. */
export async function listStack(stack: GoldenStack, text?: string): Promise<string> {
  return listing(stack, await declaredBy(stack, text));
}

export function listing(stack: string, registrations: readonly Registration[]): string {
  const resources = registrations
    .filter(({ type }) => !type.startsWith("pulumi:pulumi:"))
    .map((one) => ({ key: `${one.type} ${one.name}`, text: resource(one) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const head =
    `# Every resource of a first \`up\` of ${stack}, with its inputs, as test/support/golden.ts lists them.\n` +
    "# Made by `npm run golden`; a long text stands as its lines and hash.\n";
  return `${head}\n${resources.map(({ text }) => text).join("\n")}`;
}

function resource({ type, name, inputs, ...options }: Registration): string {
  const flags = (["protect", "retainOnDelete", "deleteBeforeReplace"] as const).filter(
    (flag) => options[flag],
  );
  const lists = (["ignoreChanges", "replaceOnChanges", "additionalSecretOutputs"] as const).filter(
    (list) => options[list].length > 0,
  );
  const said = [...flags, ...lists.map((list) => `${list}: ${options[list].join(", ")}`)];
  const body =
    Object.keys(inputs).length === 0 ? "" : stringify(shown(inputs), { lineWidth: 0, sortMapEntries: true });
  return [
    `${type} ${name}`,
    ...said.map((line) => `  (${line})`),
    ...body.trimEnd().split("\n").map(indented),
  ]
    .filter((line) => line.trim() !== "")
    .join("\n")
    .concat("\n");
}

const indented = (line: string) => `  ${line}`;

const SECRET_SIGN = "4dabf18193072939515e22adb298388d";
const LONGEST_LINES = 12;
const LONGEST_TEXT = 1000;

/** Secrets as `[secret]`, long texts by what they are. */
export function shown(value: unknown): unknown {
  if (typeof value === "string") return shownText(value);
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== "object") return value;
  if (SECRET_SIGN in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, shown(held)]));
}

/** What every command over SSH begins and ends with; the options are those of the Docker provider, and are shown there. */
const OVER_SSH = /^exec ssh -F .* -- 'sh -c [^]*? receive ([^]*)' # exit status 255: .*$/;

function shownText(whole: string): string {
  const text = whole.replace(OVER_SSH, "[over ssh] $1");
  const lines = text.split("\n").length;
  if (lines <= LONGEST_LINES && text.length <= LONGEST_TEXT) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  return `[${lines} lines, ${text.length} characters, sha256 ${hash}]`;
}
