import { fileURLToPath } from "node:url";

import { oneAtATime } from "./one-at-a-time.ts";
import { runOk } from "./process.ts";
import type { TestMachine } from "./machine.ts";

/** What is wrong with a release made for a test; the sample's `app/faults.py` says what each does. */
export type Fault = "none" | "exit" | "unhealthy" | "errors" | "slowstart";

const sample = fileURLToPath(new URL("../../sample/api", import.meta.url));

/**
 * One slot's config: a release of the sample, its image built if it is not there yet. Layers are shared: seconds.
 * One build at a time: two of the same release at once would make two images, and the later one takes the name away.
 */
export async function release(id: string, fault: Fault = "none"): Promise<ReleaseConfig> {
  const config = releaseConfig(id);
  const args = [
    "--build-arg",
    `RELEASE=${id}`,
    "--build-arg",
    `FAULT=${fault}`,
    "--tag",
    config.images.api,
    sample,
  ];
  const options = { env: { ...process.env, DOCKER_BUILDKIT: "0" }, timeoutMs: 600_000 };
  await oneAtATime("test-images", () => runOk("docker", ["build", "--quiet", ...args], options));
  return config;
}

/**
 * The tag of a release's images: this process's own. A stack removes images of its past that no container has, and would remove
 * one of the same name that another process is about to run.
 */
export const tagOf = (id: string): string => `e2e-${process.pid}-${id}`;

function releaseConfig(id: string): ReleaseConfig {
  return {
    release: id,
    images: { api: `bluegreen-sample-api:${tagOf(id)}` },
    migration: { command: ["python", "-m", "app.migrate"], timeoutSeconds: 60 },
  };
}

/** What a stack needs beside its releases. */
const SHARED_IMAGES = ["nginx:1.30", "postgres:18", "redis:8"];

/** Brings what a stack needs onto a machine, a release to make others from among it. */
export async function loadStackImages(machine: TestMachine): Promise<void> {
  const first = await release("1");
  await machine.loadImages(...SHARED_IMAGES, first.images.api);
}

const REGISTRY = "127.0.0.1:5000";

/** A name with a digest that no registry has. */
export const NOWHERE = `${REGISTRY}/bluegreen-sample-api:nowhere@sha256:${"0".repeat(64)}`;

/**
 * As `release`, made on a machine that has release 1, and pushed to its registry, as servers want images by digest.
 * Releases differ in nothing but the last two variables.
 */
export async function releaseOn(
  machine: TestMachine,
  id: string,
  fault: Fault = "none",
): Promise<ReleaseConfig> {
  const { images, ...config } = releaseConfig(id);
  const image = `${REGISTRY}/${images.api}`;
  const file = `FROM ${releaseConfig("1").images.api}\nENV FAULT=${fault} RELEASE=${id}\n`;
  const build = ["exec", "--interactive", "--env", "DOCKER_BUILDKIT=0", machine.container];
  await runOk("docker", [...build, "docker", "build", "--quiet", "--tag", image, "-"], { input: file });
  await machine.docker("push", "--quiet", image);
  const digest = await machine.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", image);
  // The tag says to people which one it is, the digest to the engine.
  return { ...config, images: { api: `${image}@${digest.replace(/^.*@/, "")}` } };
}

export interface ReleaseConfig {
  readonly [key: string]: string | { readonly [key: string]: string | number | readonly string[] };
  readonly release: string;
  readonly images: { readonly api: string };
}
