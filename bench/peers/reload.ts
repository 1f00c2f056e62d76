import { docker, run } from "../../test/support/process.ts";
import type { Color } from "../../test/support/load/load.ts";
import type { Peer } from "./containers.ts";
import { Containers } from "./containers.ts";
import { frontConf, reloadFront, startFront } from "./front.ts";

/**
 * Blue and green behind Nginx with its default reload, and the old colour killed as soon as the reload was ordered.
 * It must lose requests: the end-to-end tests use it to show that their counter counts.
 */
export async function startDefaultReload(): Promise<Peer> {
  const containers = await Containers.create("reload");
  await containers.startApplication("blue", "blue");
  await startFront(containers, frontConf("blue"));
  return {
    name: "Nginx default reload, old colour killed",
    url: containers.url,
    flip: async (to) => {
      const old: Color = to === "blue" ? "green" : "blue";
      await run("docker", ["rm", "--force", `${containers.prefix}-${to}`]);
      await containers.startApplication(to, to);
      await containers.file("front.conf", frontConf(to));
      await reloadFront(containers);
      await docker("kill", `${containers.prefix}-${old}`);
    },
    remove: () => containers.remove(),
  };
}
