// How visitors reach the gateway: plain HTTP, or TLS with what an edge needs.
import type { ResolvedSettings } from "../settings.ts";

/** Where the gateway container sees what `certificates.sh` keeps: `current/` with certificate and key, `clients.pem`. */
export const TLS_DIR = "/etc/bluegreen-tls";

/** The port Nginx listens on inside its container. */
export const insidePort = ({ tls }: Pick<ResolvedSettings, "tls">): number =>
  tls === undefined ? 8080 : 8443;

/**
 * Whose word on the visitor's address counts. From anybody else the header is ignored: what a request says of itself
 * decides neither its rate nor what is logged.
 */
export function realAddress({ realAddress: real }: ResolvedSettings): string {
  if (real === undefined) return "";
  return `${real.from.map((range) => `set_real_ip_from ${range};\n`).join("")}real_ip_header ${real.header};
# The application sees the address that was checked, never the header as it came.
proxy_set_header ${real.header} $remote_addr;`;
}

/** The first lines of the public server. */
export function listener(settings: ResolvedSettings): string {
  const { tls } = settings;
  if (tls === undefined) return `listen ${insidePort(settings)};`;
  return `listen ${insidePort(settings)} ssl;
# No HTTP/2: a reload tells its connections to go away at once, and refuses what is on its way (11 of 8121 requests in six
# reloads, none over HTTP/1.1). Visitors have HTTP/2 and 3 from Cloudflare all the same.
# "current" is a link: certificate and key change in one rename.
ssl_certificate ${TLS_DIR}/current/server.crt;
ssl_certificate_key ${TLS_DIR}/current/server.key;
ssl_protocols TLSv1.2 TLSv1.3;
# Of TLS 1.2 only what has forward secrecy and authenticated encryption (Mozilla's "intermediate").
ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
ssl_prefer_server_ciphers off;
ssl_session_cache shared:tls:10m;
ssl_session_timeout 1h;
# A ticket's key would live as long as the process and open what was recorded before.
ssl_session_tickets off;${tls.clientCertificate ? `\n${clientCertificate()}` : ""}`;
}

function clientCertificate(): string {
  return `# Only who shows a certificate of these authorities gets further than 403: the edge, and the host's own proof.
ssl_client_certificate ${TLS_DIR}/clients.pem;
ssl_verify_client on;
ssl_verify_depth 1;
error_page 495 496 =403 /.gateway/403;
location = /.gateway/403 {
    internal;
    return 403;
}`;
}
