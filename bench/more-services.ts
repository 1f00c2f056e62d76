import * as docker from "@pulumi/docker";
import type { Names } from "../components/config/names.ts";
import { hardened } from "../components/host/container.ts";
import type { Host } from "../components/host/host.ts";

/**
 * Services beside the stack's own, for services.ts: each has an image, a command on the host and a container, as a slot
 * has. Declared only, not started: a preview does not look at them.
 */
export function declareServices(count: number, host: Host, names: Names, image: string): void {
  for (let number = 1; number <= count; number++) {
    const name = `${names.network}-service-${number}`;
    const pulled = new docker.RemoteImage(
      `${name}-image`,
      { name: image, keepLocally: true },
      { provider: host.provider },
    );
    const ready = host.command(
      `${name}-ready`,
      { words: ["true", name], stdin: "" },
      { dependsOn: host.scripts },
    );
    const spec = hardened({
      name,
      image,
      user: "999:999",
      network: names.network,
      memoryMb: 64,
      graceSeconds: 10,
      stopSignal: "SIGTERM",
      init: false,
      environment: { SERVICE: String(number) },
      labels: names.labels(),
      tmpfs: { "/tmp": "" },
      volumes: [],
      health: ["CMD", "true"],
      startSeconds: 20,
      startInterval: false,
      startsWith: "release",
    });
    new docker.Container(
      name,
      { ...spec, start: false, mustRun: false, wait: false },
      { provider: host.provider, dependsOn: [pulled, ready], deleteBeforeReplace: true },
    );
  }
}
