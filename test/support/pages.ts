import { fileURLToPath } from "node:url";

import { type ReleaseConfig, release, tagOf } from "./images.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { runOk } from "./process.ts";

const build = fileURLToPath(new URL("../../sample/web/build.sh", import.meta.url));

/** The paths of the sample's API; all else is its pages'. */
export const API_PATHS = ["/health", "/version", "/items", "/jobs", "/slow", "/events", "/ws"];

/** A release with an image of its pages beside the API's. */
export type ReleaseWithPages = ReleaseConfig & { readonly images: { readonly web: string } };

/** One slot's config: a release of the sample with its pages, both images built. */
export async function releaseWithPages(id: string): Promise<ReleaseWithPages> {
  const { images, ...config } = await release(id);
  const web = `bluegreen-sample-web:${tagOf(id)}`;
  const options = { env: { ...process.env, DOCKER_BUILDKIT: "0" }, timeoutMs: 600_000 };
  await oneAtATime("test-images", () => runOk(build, [id, web], options));
  return { ...config, release: id, images: { ...images, web } };
}
