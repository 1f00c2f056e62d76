import type { Names } from "../config/names.ts";
import type { Settings } from "../config/schema.ts";
import { type ContainerSpec, hardened } from "../host/container.ts";
import { CONF_DIR } from "./nginx.ts";
import type { GatewaySettings } from "./settings.ts";

/** The port Nginx listens on inside its container. */
const INSIDE_PORT = 8080;
/**
 * The port every release listens on. Not a setting: both slots share the gateway's configuration, and a changed port
 * would reach the live slot before its next release does.
 */
const APPLICATION_PORT = 8000;
/** The uid of `nginx` in the official image. */
const NGINX_UID = 101;

/** The gateway's configuration as this stack's config wants it. */
export function gatewaySettings(settings: Settings, names: Names): GatewaySettings {
  const { gateway } = settings;
  return {
    upstreams: {
      blue: `${names.api("blue")}:${APPLICATION_PORT}`,
      green: `${names.api("green")}:${APPLICATION_PORT}`,
    },
    bodyLimitMb: gateway.bodyLimitMb,
    rate: { requestsPerSecond: gateway.requestsPerSecond, burst: gateway.burst },
  };
}

/** The one container with a published port. Its configuration is a mounted directory: changing it replaces nothing. */
export function gatewaySpec(
  settings: Settings,
  names: Names,
  directory: string,
  startInterval: boolean,
): ContainerSpec {
  const { gateway } = settings;
  return hardened({
    name: names.gateway,
    image: gateway.image,
    // A control socket that a killed Nginx left behind would keep the next one from starting.
    command: [
      "sh",
      "-c",
      `rm -f /run/bluegreen/control.sock && exec nginx -c ${CONF_DIR}/nginx.conf -g 'daemon off;'`,
    ],
    user: `${NGINX_UID}:${NGINX_UID}`,
    network: names.network,
    memoryMb: settings.memoryMb.gateway,
    graceSeconds: 30,
    stopSignal: "SIGQUIT",
    init: false,
    environment: {},
    labels: names.labels(),
    // Docker gives a tmpfs the owner of the directory beneath it, which is root here.
    tmpfs: {
      "/tmp": "",
      "/run": `uid=${NGINX_UID},gid=${NGINX_UID}`,
      "/var/cache/nginx": `uid=${NGINX_UID},gid=${NGINX_UID}`,
    },
    volumes: [
      { hostPath: `${directory}/gateway/conf`, containerPath: CONF_DIR, readOnly: true },
      { hostPath: `${directory}/gateway/run`, containerPath: "/run/bluegreen", readOnly: false },
    ],
    ports: [{ internal: INSIDE_PORT, external: gateway.port, ip: gateway.address }],
    health: ["CMD-SHELL", "kill -0 1 && test -S /run/bluegreen/control.sock"],
    startSeconds: 20,
    startInterval,
  });
}

/** Where a person on the host finds the stack. */
export function stackUrl({ gateway }: Settings): string {
  const address = gateway.address === "0.0.0.0" ? "127.0.0.1" : gateway.address;
  return `http://${address}:${gateway.port}`;
}
