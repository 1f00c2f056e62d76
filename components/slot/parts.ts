import type { Settings } from "../config/schema.ts";

/** What a slot can have a container for. The API is always there, the others where the stack's keys ask for them. */
export const PARTS = ["api", "web", "worker", "beat"] as const;
export type Part = (typeof PARTS)[number];

/** What a release can name an image for. */
export const IMAGES = ["api", "web", "worker"] as const;
export type ImageName = (typeof IMAGES)[number];

/** Who runs in an image, in the words of a report. */
export const USERS = { api: "API", web: "web", worker: "worker or beat" } as const satisfies Record<
  ImageName,
  string
>;

/** The stack's keys that ask for a container, by whether they are there. */
export type Asking = { readonly [K in keyof Pick<Settings, "web" | "worker" | "beat">]?: unknown };

/** The parts that a slot has which begins now. */
export function partsOf(settings: Asking): readonly Part[] {
  return PARTS.filter((part) => part === "api" || settings[part] !== undefined);
}

/** The images that a release may bring which begins now. */
export function imagesOf(settings: Asking): readonly ImageName[] {
  return IMAGES.filter((name) => partsOf(settings).some((part) => imageNames(part).includes(name)));
}

/** The images that a release which begins now cannot do without. */
export function imagesNeeded(settings: Asking): readonly ImageName[] {
  return settings.web === undefined ? ["api"] : ["api", "web"];
}

/** The image that a part runs in: the first of these that its release names. */
export function imageNames(part: Part): readonly ImageName[] {
  switch (part) {
    case "api":
      return ["api"];
    case "web":
      return ["web"];
    case "worker":
    case "beat":
      return ["worker", "api"];
  }
}
