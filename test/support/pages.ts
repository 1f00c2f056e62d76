import { fileURLToPath } from "node:url";

import { release } from "./images.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { runOk } from "./process.ts";
import type { Plain } from "./target.ts";

const build = fileURLToPath(new URL("../../sample/web/build.sh", import.meta.url));

/** The paths of the sample's API; all else is its pages'. */
export const API_PATHS = ["/health", "/version", "/items", "/jobs", "/slow", "/events", "/ws"];

/** One slot's config: a release of the sample with its pages, both images built. */
export async function releaseWithPages(id: string): Promise<Plain> {
  const { images, ...config } = await release(id);
  const web = `bluegreen-sample-web:e2e-${id}`;
  const options = { env: { ...process.env, DOCKER_BUILDKIT: "0" }, timeoutMs: 600_000 };
  await oneAtATime("test-images", () => runOk(build, [id, web], options));
  return { ...config, release: id, images: { ...images, web } };
}
