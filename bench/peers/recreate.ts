import { docker } from "../../test/support/process.ts";
import type { Peer } from "./containers.ts";
import { Containers } from "./containers.ts";
import { frontConf, startFront } from "./front.ts";

/** The container recreated in place behind Nginx, as `docker compose up` does it: graceful stop, remove, start. */
export async function startRecreate(): Promise<Peer> {
  const containers = await Containers.create("recreate");
  await containers.startApplication("app", "blue");
  await startFront(containers, frontConf("app"));
  return {
    name: "container recreated in place",
    url: containers.url,
    flip: async (to) => {
      await docker("stop", `${containers.prefix}-app`);
      await docker("rm", `${containers.prefix}-app`);
      await containers.startApplication("app", to);
    },
    remove: () => containers.remove(),
  };
}
