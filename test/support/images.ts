import { fileURLToPath } from "node:url";

import { runOk } from "./process.ts";

/** What is wrong with a release made for a test; the sample's `app/faults.py` says what each does. */
export type Fault = "none" | "exit" | "unhealthy" | "errors" | "slowstart";

const sample = fileURLToPath(new URL("../../sample/api", import.meta.url));

/** One slot's config: a release of the sample, its image built if it is not there yet. Layers are shared: seconds. */
export async function release(id: string, fault: Fault = "none"): Promise<ReleaseConfig> {
  const image = `bluegreen-sample-api:e2e-${id}`;
  const args = ["--build-arg", `RELEASE=${id}`, "--build-arg", `FAULT=${fault}`, "--tag", image, sample];
  await runOk("docker", ["build", "--quiet", ...args], {
    env: { ...process.env, DOCKER_BUILDKIT: "0" },
    timeoutMs: 600_000,
  });
  return {
    release: id,
    images: { api: image },
    migration: { command: ["python", "-m", "app.migrate"], timeoutSeconds: 60 },
  };
}

export interface ReleaseConfig {
  readonly [key: string]: string | { readonly [key: string]: string | number | readonly string[] };
  readonly release: string;
  readonly images: { readonly api: string };
}
