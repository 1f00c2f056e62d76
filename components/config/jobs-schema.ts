import { object, wholeNumber, words } from "./leaves.ts";

/**
 * Whether the worker is connected to Redis (port 6379, which is 18EB), seen in the kernel's list of its connections: no
 * interpreter is started for it, and it holds for every kind of worker.
 */
const CONNECTED = ["CMD-SHELL", "grep -q ':18EB 01 ' /proc/net/tcp /proc/net/tcp6"] as const;

/**
 * The process that takes jobs off its colour's queue, in a container of its own in each slot. Its image is the release's
 * `images.worker`; by default that of the API, since a Django or FastAPI project has one image for both.
 */
export const workerSchema = object({
  /** What the container runs; it finds the name of its queue in QUEUE, as the API of its colour does. */
  command: words,
  /** The command that tells whether it works; by default, that it is connected to Redis. */
  healthcheck: words.default([...CONNECTED]),
  /** How long a start may take before it counts as failed. */
  startSeconds: wholeNumber(1, 3600, "seconds").default(30),
  /** How long jobs in progress may go on when the worker is stopped; SIGTERM is Celery's warm shutdown. */
  graceSeconds: wholeNumber(1, 900, "seconds").default(60),
}).optional();

/**
 * The process that enqueues what is due, in each slot, in the worker's image. Only the live colour's runs the command,
 * and only while no other does; it keeps its schedule in BEAT_FOLDER, which both colours share.
 */
export const beatSchema = object({ command: words }).optional();
