import { IMAGES, imagesNeeded, imagesOf } from "../../components/slot/parts.ts";
import type { PlainMap } from "../config-file.ts";
import { Refusal } from "../outcome.ts";

type Images = Readonly<Record<string, string>>;

export interface ReleaseImages {
  readonly images: Images;
  /** Those of them that nobody named: the release before has them too. */
  readonly kept: Images;
}

/**
 * The images of a release that begins: those that were asked for, and for the rest of what the stack's keys ask for those of the
 * release before. What the stack has no use for any more is not taken over.
 * @param before the images of the release that is live; none where nothing is
 * @throws Refusal for one that the stack has no use for, and where one is missing
 */
export function releaseImages(
  { stack, config }: { readonly stack: string; readonly config: PlainMap },
  before: Images,
  asked: Images,
): ReleaseImages {
  const used = imagesOf(config);
  const deploy = (images: Images) => `npx bluegreen deploy --stack ${stack} --image ${words(images)}`;
  const foreign = Object.keys(asked).filter((name) => !used.some((one) => one === name));
  const [first] = foreign;
  if (first !== undefined) {
    const rest = Object.fromEntries(Object.entries(asked).filter(([name]) => !foreign.includes(name)));
    const key = IMAGES.find((name) => name === first);
    throw new Refusal(
      `--image got ${foreign.join(" and ")}; a release of ${stack} has images of ${used.join(", ")}`,
      deploy(Object.keys(rest).length > 0 ? rest : { api: "NAME:TAG" }) +
        (key === undefined ? "" : `, or give the stack the key ${key}`),
    );
  }
  const kept = Object.fromEntries(
    used.flatMap((name) => {
      const image = before[name];
      return image === undefined || name in asked ? [] : [[name, image]];
    }),
  );
  const images = { ...kept, ...asked };
  const missing = imagesNeeded(config).filter((name) => images[name] === undefined);
  if (missing.length > 0)
    throw new Refusal(
      `--image got nothing for ${missing.join(" and ")}, which a release of ${stack} needs, and no live release has one to keep`,
      deploy({ ...asked, ...Object.fromEntries(missing.map((name) => [name, "NAME:TAG"])) }),
    );
  return { images, kept };
}

const words = (images: Images) =>
  Object.entries(images)
    .map(([name, image]) => `${name}=${image}`)
    .join(" ");

export function sameImages(one: Images, other: Images): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

const sorted = (images: Images) => Object.entries(images).sort(([a], [b]) => (a < b ? -1 : 1));
