import { z } from "zod";

const value = z.object({
  value: z.string().optional(),
  objectValue: z.unknown().optional(),
  secret: z.boolean(),
});

const history = z.array(
  z.object({
    kind: z.string(),
    result: z.string().optional(),
    environment: z.record(z.string(), z.string()).default({}),
    config: z.record(z.string(), value).default({}),
  }),
);

/** What a stack's last successful update was made from. */
export interface Deployed {
  /** Undefined where the update was made outside a checkout. */
  readonly commit: string | undefined;
  /** Plain values by their whole key; secrets are not in it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The whole keys of those that hold one. */
  readonly secrets: readonly string[];
}

/**
 * The last update that succeeded, from `pulumi stack history --json`, newest first; undefined before the first. One that
 * failed left the live colour as it was, so it is not what is deployed.
 */
export function lastDeployed(text: string): Deployed | undefined {
  const update = history
    .parse(JSON.parse(text))
    .find(({ kind, result }) => kind === "update" && result === "succeeded");
  if (update === undefined) return undefined;
  const head = update.environment["git.head"] ?? "";
  const all = Object.entries(update.config);
  const plain = all.filter(([, { secret }]) => !secret);
  return {
    commit: /^[0-9a-f]{40}$/.test(head) ? head : undefined,
    config: Object.fromEntries(plain.map(([key, one]) => [key, one.objectValue ?? one.value])),
    secrets: all.flatMap(([key, { secret }]) => (secret ? [key] : [])),
  };
}
