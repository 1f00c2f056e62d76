import { z } from "zod";

const history = z.array(
  z.object({
    kind: z.string(),
    result: z.string(),
    environment: z.record(z.string(), z.string()).default({}),
  }),
);

/**
 * The commit of a stack's last successful update, from `pulumi stack history --json`; undefined before the first, and
 * where it was made outside a checkout. Drift is looked for with that commit's program: what was merged since is a
 * change that waits, not drift.
 */
export function deployedCommit(text: string): string | undefined {
  const updates = history.parse(JSON.parse(text));
  const last = updates.find(({ kind, result }) => kind === "update" && result === "succeeded");
  const commit = last?.environment["git.head"];
  return commit !== undefined && /^[0-9a-f]{40}$/.test(commit) ? commit : undefined;
}
