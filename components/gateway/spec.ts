import type { Names } from "../config/names.ts";
import type { Settings } from "../config/schema.ts";
import { type ContainerSpec, hardened } from "../host/container.ts";
import { CLOUDFLARE_IPV4, CLOUDFLARE_IPV6 } from "../edge/cloudflare-ranges.ts";
import type { EdgeSettings, TlsEdgeSettings } from "../config/edge-schema.ts";
import { TLS_DIR, insidePort } from "./conf/tls.ts";
import { mostHeld } from "./most-held.ts";
import { CONF_DIR } from "./nginx.ts";
import { readPage } from "./own-page.ts";
import type { Slots } from "../slot/plan.ts";
import type { SlotSpec } from "../slot/record.ts";
import { type GatewaySettings, type WebSettings, defaults } from "./settings.ts";

/**
 * The port every release listens on. Not a setting: both slots share the gateway's configuration, and a changed port
 * would reach the live slot before its next release does.
 */
const APPLICATION_PORT = 8000;
/** The uid of `nginx` in the official image. */
const NGINX_UID = 101;

/** The gateway's configuration as this stack's config wants it. */
export function gatewaySettings(
  settings: Settings,
  names: Names,
  specs: Slots<SlotSpec | undefined>,
): GatewaySettings {
  const { gateway } = settings;
  const [blue, green] = [webOf(specs.blue), webOf(specs.green)];
  return {
    upstreams: {
      blue: `${names.part("api", "blue")}:${APPLICATION_PORT}`,
      green: `${names.part("api", "green")}:${APPLICATION_PORT}`,
    },
    ...((blue ?? green) && { web: { ...(blue && { blue }), ...(green && { green }) } }),
    bodyLimitMb: gateway.bodyLimitMb,
    rate: { requestsPerSecond: gateway.requestsPerSecond, burst: gateway.burst },
    ...(gateway.maintenancePage !== undefined && { maintenancePage: readPage(gateway.maintenancePage) }),
    mostHeld: mostHeld(settings.memoryMb.gateway),
    ...edgeSettings(settings.edge),
  };
}

/** From what the slot began with: another release's paths are not this one's. */
function webOf(spec: SlotSpec | undefined): WebSettings | undefined {
  const web = spec?.containers.web;
  if (web === undefined) return undefined;
  return { upstream: `${web.name}:${APPLICATION_PORT}`, apiPaths: spec?.apiPaths ?? [] };
}

function edgeSettings(edge: EdgeSettings): Partial<GatewaySettings> {
  switch (edge.kind) {
    case "none":
      return {};
    case "self-signed":
      return { tls: { clientCertificate: false }, ...strictTransport(edge) };
    case "cloudflare":
      return {
        tls: { clientCertificate: true },
        realAddress: { header: "CF-Connecting-IP", from: [...CLOUDFLARE_IPV4, ...CLOUDFLARE_IPV6] },
        ...strictTransport(edge),
      };
  }
}

/** For this host name alone: what else lives in the domain is not this stack's to decide. */
function strictTransport({ hsts }: TlsEdgeSettings): Partial<GatewaySettings> {
  if (hsts === "off") return {};
  const seconds = { short: 300, long: 31_536_000 }[hsts];
  return {
    securityHeaders: { ...defaults.securityHeaders, "Strict-Transport-Security": `max-age=${seconds}` },
  };
}

/** Where the gateway is published on the host; inside, it listens on one port. */
function publication({ edge, gateway }: Settings): { readonly address: string; readonly port: number } {
  switch (edge.kind) {
    case "none":
      return gateway;
    // No port 80: the edge redirects plain HTTP itself, and a listener that only redirects is one more thing to reach.
    case "self-signed":
    case "cloudflare":
      return edge;
  }
}

/** The one container with a published port. Its configuration is a mounted directory: changing it replaces nothing. */
export function gatewaySpec(
  settings: Settings,
  names: Names,
  directory: string,
  startInterval: boolean,
): ContainerSpec {
  const { gateway, edge } = settings;
  const { address, port } = publication(settings);
  const tls = edge.kind !== "none";
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
      ...(tls ? [{ hostPath: `${directory}/tls/served`, containerPath: TLS_DIR, readOnly: true }] : []),
    ],
    ports: [{ internal: insidePort({ tls: edgeSettings(edge).tls }), external: port, ip: address }],
    health: ["CMD-SHELL", "kill -0 1 && test -S /run/bluegreen/control.sock"],
    startSeconds: 20,
    startInterval,
    startsWith: "stack",
  });
}

/** The gateway's address and port as the host itself reaches them. */
export function loopback(settings: Settings): string {
  const { address, port } = publication(settings);
  return `${address === "0.0.0.0" ? "127.0.0.1" : address}:${port}`;
}

/** What the switch asks from the host itself, as visitors do: its own port where there is no edge, else the edge's name. */
export function askedUrl(settings: Settings): string {
  return settings.edge.kind === "none" ? `http://${loopback(settings)}` : stackUrl(settings);
}

/** Where a person finds the stack: at its host name, or where there is no edge at the host's address. */
export function stackUrl(settings: Settings): string {
  const { edge, host } = settings;
  switch (edge.kind) {
    case "none":
      // Published on loopback or on one address of several, it answers there alone.
      return host.kind === "ssh" && settings.gateway.address === "0.0.0.0"
        ? `http://${inUrl(host.address)}${portInUrl(settings.gateway.port, 80)}`
        : `http://${loopback(settings)}`;
    case "self-signed":
      return `https://${edge.hostname}${portInUrl(edge.port, 443)}`;
    // Visitors reach Cloudflare on its own port, whatever the host's is.
    case "cloudflare":
      return `https://${edge.hostname}`;
  }
}

function inUrl(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function portInUrl(port: number, usual: number): string {
  return port === usual ? "" : `:${port}`;
}
