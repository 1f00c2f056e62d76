import { parse } from "yaml";
import { z } from "zod";

const check = z.object({
  path: z.string(),
  status: z.number(),
  json: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  timeoutSeconds: z.number().default(5),
});
export type SmokeCheck = z.output<typeof check>;

const stackFile = z.object({
  config: z.object({
    "bluegreen:switch": z.object({ smoke: z.array(check).min(1) }),
  }),
});

/** The smoke checks of a stack's file: what the switch will ask of the release, is asked of the image before it is pushed. */
export function smokeChecksOf(text: string): readonly SmokeCheck[] {
  return stackFile.parse(parse(text)).config["bluegreen:switch"].smoke;
}

function valueAt(value: unknown, dotted: string): unknown {
  let found = value;
  for (const key of dotted.split(".")) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** What is wrong with an answer; undefined where it is as the check wants it. */
export function judgeAnswer(wanted: SmokeCheck, status: number, body: string): string | undefined {
  if (status !== wanted.status) return `${wanted.path} answered ${status}, not ${wanted.status}`;
  const fields = Object.entries(wanted.json);
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
