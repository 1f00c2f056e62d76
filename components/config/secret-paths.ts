import type { Path } from "./commands.ts";

/** A place of the config whose value is a secret; `*` stands for any one name, or place in a list. */
interface SecretPath {
  readonly path: readonly string[];
  /** Where the shell is told to take the value from; without it the CLI asks for it. */
  readonly from?: string;
}

/** Everything in a config that is a secret: set with --secret or refused, and nothing else may be set so. */
const SECRET_PATHS: readonly SecretPath[] = [
  // A private key has many lines, and the CLI's question takes one.
  { path: ["host", "key", "value"], from: "~/.ssh/deploy_key" },
  { path: ["registry", "password"] },
  { path: ["secrets", "*"] },
  { path: ["messages", "*", "url"] },
  { path: ["messages", "*", "routingKey"] },
  { path: ["messages", "*", "login", "password"] },
];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function matches(pattern: readonly string[], path: Path): boolean {
  return (
    pattern.length === path.length && pattern.every((name, i) => name === "*" || name === String(path[i]))
  );
}

/** The shell's redirection for a secret's value, or an empty text where the CLI asks; `undefined` for a plain path. */
export function secretSource(path: Path): string | undefined {
  const found = SECRET_PATHS.find(({ path: pattern }) => matches(pattern, path));
  if (found === undefined) return undefined;
  return found.from === undefined ? "" : ` <${found.from}`;
}

/** The keys that may hold a secret. */
export const SECRET_KEYS: readonly string[] = [
  ...new Set(SECRET_PATHS.flatMap(({ path }) => path.slice(0, 1))),
];

/** The paths in one key's value that hold a secret. */
export function secretsIn(key: string, value: unknown): readonly Path[] {
  const below = (pattern: readonly string[], held: unknown, path: Path): readonly Path[] => {
    const [name, ...rest] = pattern;
    if (name === undefined) return held === undefined ? [] : [path];
    if (Array.isArray(held)) {
      return name === "*" ? held.flatMap((one: unknown, i) => below(rest, one, [...path, i])) : [];
    }
    if (!isObject(held)) return [];
    const names = name === "*" ? Object.keys(held) : [name];
    return names.flatMap((one) => below(rest, held[one], [...path, one]));
  };
  return SECRET_PATHS.flatMap(({ path: [first, ...rest] }) =>
    first === key ? below(rest, value, [key]) : [],
  );
}
