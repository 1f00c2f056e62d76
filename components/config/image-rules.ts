import { IMAGES, PARTS, USERS, imagesNeeded, imagesOf } from "../slot/parts.ts";
import type { StackRecord } from "../slot/record.ts";
import { dotted, removeCommand, setCommand } from "./commands.ts";
import type { Parsed } from "./parse.ts";
import { type Problem, shown } from "./problems.ts";
import { COLORS } from "./schema.ts";

/** A tag can come to mean another image; only an engine on this very machine can be watched closely enough. */
export function checkDigests(settings: Parsed["settings"]): Problem[] {
  if (settings.host === undefined || settings.host.kind === "local") return [];
  return COLORS.flatMap((color) =>
    IMAGES.flatMap((name) => {
      const image = settings[color]?.images[name];
      return image === undefined || image.includes("@sha256:")
        ? []
        : [
            {
              key: `${color}.images.${name}`,
              got: shown(image),
              allowed: "an image with its digest (name@sha256:…) on every host but a local one",
              fix: setCommand([color, "images", name], `${image.replace(/:[^/:]*$/, "")}@sha256:…`),
            },
          ];
    }),
  );
}

/** A release that begins brings the images that the stack's keys ask for, and no other; one that runs has what it had. */
export function checkImages(
  { settings, unsound }: Pick<Parsed, "settings" | "unsound">,
  previous: StackRecord | undefined,
): Problem[] {
  if (PARTS.some((part) => unsound.has(part))) return [];
  const used = imagesOf(settings);
  const needed = imagesNeeded(settings);
  return COLORS.flatMap((color) => {
    const release = settings[color];
    if (release === undefined || previous?.slots[color]?.release === release.release) return [];
    return IMAGES.flatMap((name) => {
      const image = release.images[name];
      const path = [color, "images", name];
      if (image === undefined)
        return needed.includes(name)
          ? [
              {
                key: dotted(path),
                got: "nothing",
                allowed: `an image, because the stack has the key ${name}`,
                fix: setCommand(path),
              },
            ]
          : [];
      return used.includes(name)
        ? []
        : [
            {
              key: dotted(path),
              got: shown(image),
              allowed: `nothing, as long as the stack has no ${USERS[name]} to run in it`,
              fix: removeCommand(path),
            },
          ];
    });
  });
}
