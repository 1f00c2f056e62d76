import type { Settings } from "../config/schema.ts";
import { rootWords } from "../host/preparation.ts";
import type { Reach } from "../host/reach.ts";
import { askHost } from "../host/run.ts";
import { renderValues, setName } from "./application-secrets.ts";

/**
 * The number of the set of application secrets that a release which begins now reads; 0 where the config has none.
 * The host compares the values with those it has: the same ones keep their number, so that an `up` that is repeated
 * finds the same release, and changed ones get the next. Neither a value nor a trace of one is kept anywhere else.
 */
export async function findSecretSet(settings: Settings, directory: string, reach: Reach): Promise<number> {
  if (Object.keys(settings.secrets).length === 0) return 0;
  // A machine that this run makes has none yet.
  if (reach.kind === "ssh" && typeof reach.address !== "string") return 1;
  const name = setName({ user: settings.api.user, passwordVersion: settings.postgres.passwordVersion });
  // Before the first `up` there is no script, and so no set.
  const script = '[ -x "$1" ] || { echo 1; exit 0; }; exec "$@"';
  const find = [`${directory}/bin/secret-set.sh`, "find", directory, name];
  const words = ["/bin/sh", "-c", script, "sh", ...find];
  const line = reach.kind === "ssh" ? rootWords(reach.access.user, words) : words;
  const answer = await askHost(reach, line, renderValues(settings.secrets), { repeatable: true });
  const number = Number(answer.trim());
  if (!Number.isInteger(number) || number < 1)
    throw new Error(
      `secret-set.sh: got ${JSON.stringify(answer)} for an answer; expected a number from 1 on`,
    );
  return number;
}
