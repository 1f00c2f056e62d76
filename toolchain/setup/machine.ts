import { join } from "node:path";
import { contentKey, exclusively } from "./cache.ts";
import { run } from "./commands.ts";
import { SOURCE, buildEnv, debianBase, imageLabels, trusted } from "./images.ts";
import { paths } from "./paths.ts";
import { waits } from "./pulumi.ts";
import type { Step } from "./steps.ts";

/** The flavours of the test machine: as it is bought, and with the Docker engine installed. Later ones build on earlier ones. */
const FLAVOURS = ["bare", "docker"] as const;

const FOLDER = join(paths.checkout, "toolchain/images/machine");
const image = (flavour: (typeof FLAVOURS)[number]) => `bluegreen-machine:${flavour}`;

/** The images of the machine that the tests deploy to. `make dev` does without. */
export const machineStep: Step = {
  name: "test machine",
  needs: ["docker engine"],
  async run(io) {
    const key = await contentKey([FOLDER, join(FOLDER, "../base")], [await trusted()]);
    const labels = await Promise.all(FLAVOURS.map((flavour) => imageLabels(image(flavour))));
    if (labels.every((found) => found?.[SOURCE] === key)) return { how: "cached" };
    await io.heavy(() =>
      exclusively(join(paths.cache, "locks"), "image-machine", waits(io.say), async () => {
        const base = await debianBase(io);
        io.say("building the machine that the tests deploy to, about 1 minute");
        for (const flavour of FLAVOURS) {
          const named = ["--label", `${SOURCE}=${key}`, "--tag", image(flavour)];
          const args = ["build", "--force-rm", "--target", flavour, "--build-arg", `BASE=${base}`, ...named];
          await run("docker", [...args, FOLDER], { log: io.log, env: await buildEnv() });
        }
      }),
    );
    return { how: "built", note: FLAVOURS.map(image).join(", ") };
  },
};
