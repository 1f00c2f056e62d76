import { sampleFolder } from "../../toolchain/setup/sample.ts";
import { smokeChecksOf } from "./checks.ts";
import type { Delivery } from "./deliver.ts";
import { type LayerCache, imageName } from "./reference.ts";
import { smokeApi } from "./smoke-api.ts";
import { smokeWeb } from "./smoke-web.ts";

const MIGRATE = ["python", "-m", "app.migrate"];

/**
 * The images of a release of the sample: the API's, and its pages' where the stack has a web server.
 * @param stackFile the text of a stack's file, which says what the switch will ask
 * @param to the repository that each image has one below, the commit, and the tag with the layers of before, if there is one
 */
export function deliveriesOf(
  stackFile: string,
  to: { readonly repository: string; readonly commit: string; readonly cacheTag: string | undefined },
): readonly Delivery[] {
  const { api, web } = smokeChecksOf(stackFile);
  const delivery = (part: "api" | "web", smoke: Delivery["smoke"]): Delivery => {
    const name = imageName(`${to.repository}/${part}`, to.commit);
    const cache: LayerCache =
      to.cacheTag === undefined
        ? { kind: "engine" }
        : { kind: "registry", reference: `${name.repository}:${to.cacheTag}` };
    const folder: Delivery["folder"] = (release, scratch) => sampleFolder(part, release, scratch);
    return { part, name, cache, folder, smoke };
  };
  return [
    delivery("api", (image) => smokeApi(image, MIGRATE, api)),
    ...(web === undefined ? [] : [delivery("web", (image) => smokeWeb(image, web))]),
  ];
}
