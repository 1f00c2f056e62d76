import { parse } from "yaml";
import { completeSettings, parseConfig } from "../../components/config/parse.ts";
import { renderProblems } from "../../components/config/problems.ts";
import { secretsIn } from "../../components/config/secret-paths.ts";
import { type Path, dotted, setCommand, valueAt } from "../../components/config/commands.ts";

/** What stands in a stack's file: its settings with every default, or what is wrong with it. */
export type StackFile =
  | { readonly kind: "read"; readonly settings: Readonly<Record<string, unknown>> }
  | { readonly kind: "wrong"; readonly report: string };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isEncrypted = (value: unknown) =>
  isObject(value) && typeof value["secure"] === "string" && Object.keys(value).length === 1;

/** An encrypted value becomes this text: which one it is, nobody needs to know here. */
const SECRET = "(secret)";

export function withoutCiphertext(value: unknown): unknown {
  if (isEncrypted(value)) return SECRET;
  if (Array.isArray(value)) return value.map(withoutCiphertext);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutCiphertext(one)]));
}

export function holdsSecret(value: unknown): boolean {
  return isEncrypted(value) || (isObject(value) && Object.values(value).some(holdsSecret));
}

/**
 * Reads a stack's file as the program would, without its key. Finds one thing that the program cannot see: a plain
 * value beside an encrypted one, in a key that holds secrets.
 */
export function readStackFile(text: string, stack: string, project: string): StackFile {
  const file: unknown = parse(text);
  const config = isObject(file) && isObject(file["config"]) ? file["config"] : {};
  const own = Object.entries(config).flatMap(([name, value]) =>
    name.startsWith(`${project}:`) ? [[name.slice(project.length + 1), value] as const] : [],
  );
  const plain = own.flatMap(([key, value]) =>
    secretsIn(key, value).filter((path) => !isEncrypted(valueAt(value, path.slice(1)))),
  );
  if (plain.length > 0)
    return { kind: "wrong", report: plain.map((path) => plainSecret(path, stack)).join("\n") };
  const values = own.map(([key, value]) => {
    const shown = withoutCiphertext(value);
    return [key, typeof shown === "string" ? shown : JSON.stringify(shown)] as const;
  });
  const secrets = own.filter(([, value]) => holdsSecret(value)).map(([key]) => key);
  const parsed = parseConfig(Object.fromEntries(values), new Set(secrets));
  if (parsed.problems.length > 0) return { kind: "wrong", report: renderProblems(parsed.problems, stack) };
  const foreign = Object.entries(config).filter(([name]) => !name.startsWith(`${project}:`));
  return { kind: "read", settings: { ...completeSettings(parsed), ...Object.fromEntries(foreign) } };
}

function plainSecret(path: Path, stack: string): string {
  const command = setCommand(path).replace("pulumi config set", `pulumi config set --stack ${stack}`);
  return `  bluegreen:${dotted(path)}: got a plain value; allowed: a secret\n    fix: ${command}`;
}
