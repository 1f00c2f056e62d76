import semver from "semver";

/** What the project is built against. A newer CLI does; a plugin has to be exactly the SDK's. */
export const PULUMI = "3.259.0";
export const PLUGINS = { docker: "5.2.0", command: "1.2.1", aws: "7.48.0", cloudflare: "6.22.1" } as const;
/** For building from source only. */
export const GO = "1.26.0";

export type PluginName = keyof typeof PLUGINS;

/** Official base images by the folder under toolchain/images that holds their stand-in. */
export const IMAGES = {
  nginx: "nginx:1.30",
  postgres: "postgres:18",
  python: "python:3.14-slim",
  redis: "redis:8",
} as const;

export type ImageName = keyof typeof IMAGES;
export const IMAGE_NAMES: readonly ImageName[] = ["nginx", "postgres", "python", "redis"];

/**
 * Whether the version a program prints (`v3.259.0`, `go version go1.26.8 linux/amd64`, `2:1.26~1`) is at least
 * the one wanted. What holds no version is not enough.
 */
export function atLeast(printed: string, wanted: string): boolean {
  const found = semver.coerce(printed.replace(/^\d+:/, ""));
  return found !== null && semver.gte(found, wanted);
}
