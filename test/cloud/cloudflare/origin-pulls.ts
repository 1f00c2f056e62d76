import { X509Certificate, createPrivateKey } from "node:crypto";
import { z } from "zod";
import { ApiError, type Route, parsed } from "./http.ts";
import {
  type Account,
  type ClientCertificate,
  type HostnamePull,
  type Zone,
  found,
  newId,
  now,
} from "./state.ts";

const upload = z.strictObject({ certificate: z.string(), private_key: z.string() });
const association = z.strictObject({
  config: z
    .array(
      z.strictObject({
        hostname: z.string().min(1),
        cert_id: z.string().optional(),
        // null takes the association away.
        enabled: z.boolean().nullable(),
      }),
    )
    .min(1),
});

/** @throws ApiError for a certificate that is none, that ended, or whose key is another one's */
function certificateOf(body: unknown): ClientCertificate {
  const { certificate, private_key } = parsed(upload, body);
  let read: X509Certificate;
  let belongs: boolean;
  try {
    read = new X509Certificate(certificate);
    belongs = read.checkPrivateKey(createPrivateKey(private_key));
  } catch {
    throw new ApiError(400, 1430, "The certificate or the private key could not be parsed");
  }
  if (!belongs) throw new ApiError(400, 1431, "The private key does not match the certificate");
  if (new Date(read.validTo) <= new Date()) throw new ApiError(400, 1432, "The certificate has expired");
  if (read.ca) throw new ApiError(400, 1433, "A leaf certificate is needed, this one is an authority's");
  return {
    id: newId(),
    certificate,
    issuer: read.issuer.replaceAll("\n", ","),
    serial_number: BigInt(`0x${read.serialNumber}`).toString(),
    signature: "ECDSAWithSHA256",
    expires_on: new Date(read.validTo).toISOString(),
    uploaded_on: now(),
    status: "pending_deployment",
  };
}

/** Put in every data centre by the time somebody asks again. */
function read(kept: ClientCertificate): ClientCertificate {
  kept.status = "active";
  return kept;
}

function certificateRoutes(
  account: Account,
  base: string,
  of: (zone: Zone) => Map<string, ClientCertificate>,
): Route[] {
  const kept = (zone: string | undefined, id: string | undefined) =>
    found(of(account.zone(zone)), id, 1414, "Certificate not found");
  return [
    {
      method: "GET",
      path: base,
      handle: ({ params }) => [...of(account.zone(params["zone"])).values()].map(read),
    },
    {
      method: "POST",
      path: base,
      handle: ({ params, body }) => {
        const certificate = certificateOf(body);
        const zone = account.zone(params["zone"]);
        of(zone).set(certificate.id, certificate);
        zone.clientKeys.set(certificate.id, parsed(upload, body).private_key);
        return { ...certificate };
      },
    },
    { method: "GET", path: `${base}/{id}`, handle: ({ params }) => read(kept(params["zone"], params["id"])) },
    {
      method: "DELETE",
      path: `${base}/{id}`,
      handle: ({ params }) => {
        const zone = account.zone(params["zone"]);
        const certificate = kept(zone.id, params["id"]);
        if ([...zone.hostnamePulls.values()].some(({ cert_id }) => cert_id === certificate.id))
          throw new ApiError(400, 1415, "The certificate is in use by a hostname");
        of(zone).delete(certificate.id);
        return certificate;
      },
    },
  ];
}

function shown(zone: Zone, pull: HostnamePull): object {
  const certificate = found(zone.hostnameCertificates, pull.cert_id, 1414, "Certificate not found");
  return {
    ...pull,
    status: pull.enabled ? "active" : "inactive",
    cert_status: certificate.status,
    cert_uploaded_on: certificate.uploaded_on,
    cert_updated_at: certificate.uploaded_on,
    certificate: certificate.certificate,
    issuer: certificate.issuer,
    serial_number: certificate.serial_number,
    signature: certificate.signature,
    expires_on: certificate.expires_on,
  };
}

function associate(zone: Zone, body: unknown): object[] {
  const { config } = parsed(association, body);
  return config.map(({ hostname, cert_id, enabled }) => {
    const before = zone.hostnamePulls.get(hostname);
    if (!hostname.endsWith(`.${zone.name}`) && hostname !== zone.name)
      throw new ApiError(400, 1440, `${hostname} is no name of the zone ${zone.name}`);
    const pull: HostnamePull = {
      hostname,
      cert_id: cert_id ?? before?.cert_id ?? "",
      enabled: enabled ?? false,
      created_at: before?.created_at ?? now(),
      updated_at: now(),
    };
    const answer = shown(zone, pull);
    if (enabled === null) zone.hostnamePulls.delete(hostname);
    else zone.hostnamePulls.set(hostname, pull);
    return answer;
  });
}

/** Authenticated origin pulls, of single host names and of a whole zone. */
export function originPullRoutes(account: Account): Route[] {
  const base = "/zones/{zone}/origin_tls_client_auth";
  const enabled = z.strictObject({ enabled: z.boolean() });
  return [
    {
      method: "PUT",
      path: `${base}/hostnames`,
      handle: ({ params, body }) => associate(account.zone(params["zone"]), body),
    },
    {
      method: "GET",
      path: `${base}/settings`,
      handle: ({ params }) => ({ enabled: account.zone(params["zone"]).zonePulls }),
    },
    {
      method: "PUT",
      path: `${base}/settings`,
      handle: ({ params, body }) => {
        const zone = account.zone(params["zone"]);
        zone.zonePulls = parsed(enabled, body).enabled;
        return { enabled: zone.zonePulls };
      },
    },
    // Before the route with a host name in the same place.
    ...certificateRoutes(account, `${base}/hostnames/certificates`, (zone) => zone.hostnameCertificates),
    {
      method: "GET",
      path: `${base}/hostnames/{hostname}`,
      handle: ({ params }) => {
        const zone = account.zone(params["zone"]);
        return shown(
          zone,
          found(zone.hostnamePulls, params["hostname"], 1441, "Hostname association not found"),
        );
      },
    },
    ...certificateRoutes(account, base, (zone) => zone.zoneCertificates),
  ];
}
