import { type Answer, request } from "../support/https.ts";
import type { CloudflareApi } from "./cloudflare-api.ts";
import type { Zone } from "./cloudflare/state.ts";

/** Where a host name's origin is: in the tests a port of a test machine. */
export interface Origin {
  readonly address: string;
  readonly port: number;
}

export interface Visit {
  readonly path?: string;
  /** Who asks. The edge shows the certificate that it has for the host name, or for `otherwise`. */
  readonly as?: "the edge" | "anybody" | { readonly otherwise: string };
  /** Posted, where it is given. */
  readonly json?: unknown;
}

/** The certificate that Cloudflare shows to the origin of a host name, if it was told to. */
function shownTo(zone: Zone, hostname: string): { cert: string; key: string } | undefined {
  const pull = zone.hostnamePulls.get(hostname);
  const certificate = zone.hostnameCertificates.get(pull?.cert_id ?? "");
  const key = zone.clientKeys.get(certificate?.id ?? "");
  if (pull?.enabled !== true || certificate === undefined || key === undefined) return undefined;
  return { cert: certificate.certificate, key };
}

/**
 * One request to an origin: as Cloudflare's edge sends it in the mode "strict", with the client certificate that it was
 * told to show, or as anybody else, who has none. The origin's certificate is checked against the Origin CA.
 */
export async function visit(
  api: CloudflareApi,
  zone: Zone,
  hostname: string,
  { address, port }: Origin,
  { path = "/version", as = "the edge", json }: Visit = {},
): Promise<Answer> {
  const client = as === "anybody" ? undefined : shownTo(zone, as === "the edge" ? hostname : as.otherwise);
  return await request({
    host: address,
    port,
    path,
    servername: hostname,
    headers: { host: hostname, ...(json !== undefined && { "content-type": "application/json" }) },
    ca: api.signer.root,
    ...(json !== undefined && { method: "POST", body: JSON.stringify(json) }),
    ...client,
  });
}
