import path from "node:path";

import { exclusively } from "../../toolchain/setup/cache.ts";
import { paths } from "../../toolchain/setup/paths.ts";

/** Does what no two test processes of this user may do at once. */
export async function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  return await exclusively(path.join(paths.cache, "locks"), name, () => undefined, work);
}
