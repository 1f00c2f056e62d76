import { z } from "zod";
import { object, text, wholeNumber, words } from "./leaves.ts";

/** Whether something listens on port 8000 (1F40), seen in the kernel's list: an image of a web server may have no client. */
const LISTENING = ["CMD-SHELL", "grep -q ':1F40 .* 0A ' /proc/net/tcp /proc/net/tcp6"] as const;

/**
 * A web server of its own in each slot, with the pages of its release; it listens on port 8000, as the API does. It is
 * switched with the API, and gets every path but the API's.
 */
export const webSchema = object({
  /** The paths that stay the API's, each with everything below it. They belong to the release, as its images do. */
  apiPaths: z
    .array(text(/^(\/[\w.~-]+)+$/, "a path such as /api, without a slash at its end"), {
      error: "a list of paths",
    })
    .min(1, { error: "a list of at least one path" }),
  /** uid:gid; Nginx's own in the official image. */
  user: text(/^\d+:\d+$/, "uid:gid in numbers").default("101:101"),
  /** The command that tells whether it serves; by default, that it listens. */
  healthcheck: words.default([...LISTENING]),
  /** How long a start may take before it counts as failed. */
  startSeconds: wholeNumber(1, 3600, "seconds").default(20),
  /** How long it may take to finish what is in flight when it is stopped. */
  graceSeconds: wholeNumber(1, 600, "seconds").default(10),
}).optional();
