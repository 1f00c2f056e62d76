import type { Color } from "../config/schema.ts";
import type { ContainerNeeds } from "../host/container.ts";

/** Where a beat's container finds what only-when-live.sh works with. */
const SCRIPTS = "/run/bluegreen/bin";
const GATEWAY = "/run/bluegreen/gateway";
const FOLDER = "/run/bluegreen/beat";

/** What a container that works with the data is given. */
export type DataNeeds = Pick<ContainerNeeds, "user" | "environment" | "volumes">;

/**
 * What a beat's container needs, beside what its slot's worker is given too: our script runs in either colour, the command
 * only in the live one. BEAT_FOLDER is where the command keeps its schedule: both colours share it.
 */
export function beatNeeds(
  { user, environment, volumes }: DataNeeds,
  color: Color,
  command: readonly string[],
  directory: string,
) {
  return {
    command: ["sh", `${SCRIPTS}/only-when-live.sh`, color, `${GATEWAY}/start`, FOLDER, ...command],
    user,
    environment: { ...environment, BEAT_FOLDER: FOLDER },
    volumes: [
      ...volumes,
      { hostPath: `${directory}/bin`, containerPath: SCRIPTS, readOnly: true },
      // The directory, not the file: that one is replaced at each flip.
      { hostPath: `${directory}/gateway/conf`, containerPath: GATEWAY, readOnly: true },
      { hostPath: `${directory}/beat`, containerPath: FOLDER, readOnly: false },
    ],
    // Waiting or at work, the script writes down the time each few seconds.
    health: ["CMD-SHELL", "read -r at role </tmp/only-when-live && test $(($(date +%s) - at)) -lt 15"],
    startSeconds: 20,
    // As long as the script gives the command, and a bit.
    graceSeconds: 40,
  };
}

/**
 * The words that make what a beat's container mounts, for whichever user it runs as; only the owner of the stack's
 * directory gets as far as there. What is missing Docker would make itself, as root's.
 */
export function beatFolders(directory: string): readonly string[] {
  const make = 'umask 022 && mkdir -p "$1/gateway/conf" "$1/beat" && chmod 0777 "$1/beat"';
  return ["sh", "-c", make, "sh", directory];
}
