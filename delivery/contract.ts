import { parseDocument } from "yaml";
import { z } from "zod";
import { attempt, run } from "../toolchain/setup/commands.ts";
import { type NextMigration, nextMigration } from "./releases.ts";

const contract = z.object({ kind: z.literal("contract") });
const releases = z
  .array(
    z
      .union([z.string(), z.int()])
      .transform(String)
      .pipe(z.string().regex(/^[A-Za-z0-9][\w.-]{0,39}$/)),
  )
  .min(1);

/**
 * The releases that work with what the next one's migration leaves, where a stack's file in git declares a contract; empty
 * where it only adds. A declaration counts once: the next release after it goes live finds the same one in the file that
 * is live, and only adds again. Where that file is not known, it counts.
 * @throws Error for a contract that names no releases
 */
export function contractOf(file: string, liveFile: string | undefined, project: string): readonly string[] {
  const { key, settings } = nextMigration(parseDocument(file).toJS(), project);
  if (!contract.safeParse(settings).success) return [];
  const works = worksWith(settings);
  if (works === undefined) {
    throw new Error(
      `${key}.worksWith: got ${JSON.stringify(settings?.["worksWith"])}; allowed is a list of release ids, ` +
        'the live one among them, such as ["41"]; fix it in the stack\'s file, in git',
    );
  }
  const live = liveFile === undefined ? undefined : nextMigration(readable(liveFile), project).settings;
  const spent = contract.safeParse(live).success && JSON.stringify(worksWith(live)) === JSON.stringify(works);
  return spent ? [] : works;
}

const worksWith = (settings: NextMigration["settings"]) => releases.safeParse(settings?.["worksWith"]).data;

function readable(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : document.toJS();
}

/** The same of a commit's file, beside the live release's. @throws CommandError where the commit has no such file */
export async function declaredContract(
  checkout: string,
  of: {
    readonly file: string;
    readonly project: string;
    readonly commit: string;
    readonly live: string | undefined;
  },
): Promise<readonly string[]> {
  const text = await run("git", ["show", `${of.commit}:${of.file}`], { cwd: checkout });
  const live =
    of.live === undefined
      ? undefined
      : await attempt("git", ["show", `${of.live}:${of.file}`], { cwd: checkout });
  return contractOf(text, live?.ok === true ? live.stdout : undefined, of.project);
}
