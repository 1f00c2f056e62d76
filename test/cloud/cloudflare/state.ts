import { createHash, randomBytes } from "node:crypto";
import { ApiError } from "./http.ts";

export interface DnsRecord {
  id: string;
  name: string;
  type: string;
  content: string;
  ttl: number;
  proxied: boolean;
  comment: string | null;
  created_on: string;
  modified_on: string;
}

export interface Rule {
  id: string;
  ref: string;
  version: string;
  last_updated: string;
  enabled: boolean;
  action: string;
  expression: string;
  [other: string]: unknown;
}

export interface Ruleset {
  id: string;
  name: string;
  description: string;
  kind: "zone";
  phase: string;
  version: string;
  last_updated: string;
  rules: Rule[];
}

/** A certificate that Cloudflare shows to the origin. Its key is never given back. */
export interface ClientCertificate {
  id: string;
  certificate: string;
  issuer: string;
  serial_number: string;
  signature: string;
  expires_on: string;
  uploaded_on: string;
  status: "pending_deployment" | "active";
}

export interface HostnamePull {
  hostname: string;
  cert_id: string;
  enabled: boolean;
  created_at: string;
  updated_at: string;
}

export interface OriginCertificate {
  id: string;
  certificate: string;
  csr: string;
  hostnames: string[];
  expires_on: string;
  request_type: string;
  requested_validity: number;
}

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly records: Map<string, DnsRecord>;
  readonly settings: Map<string, { value: unknown; modified_on: string }>;
  readonly rulesets: Map<string, Ruleset>;
  readonly zoneCertificates: Map<string, ClientCertificate>;
  readonly hostnameCertificates: Map<string, ClientCertificate>;
  /** By certificate: for the edge that a test plays, the API tells nobody. */
  readonly clientKeys: Map<string, string>;
  readonly hostnamePulls: Map<string, HostnamePull>;
  zonePulls: boolean;
}

/** Everything an account of Cloudflare remembers here. */
export class Account {
  readonly id = newId();
  readonly zones = new Map<string, Zone>();
  readonly certificates = new Map<string, OriginCertificate>();

  addZone(name: string): Zone {
    const zone: Zone = {
      // The same in each run, so that a listing of it can be compared.
      id: createHash("sha256").update(name).digest("hex").slice(0, 32),
      name,
      created: now(),
      records: new Map(),
      settings: new Map(),
      rulesets: new Map(),
      zoneCertificates: new Map(),
      hostnameCertificates: new Map(),
      clientKeys: new Map(),
      hostnamePulls: new Map(),
      zonePulls: false,
    };
    this.zones.set(zone.id, zone);
    return zone;
  }

  /** @throws ApiError as Cloudflare does for a zone that is not this account's. */
  zone(id: string | undefined): Zone {
    if (!/^[0-9a-f]{32}$/.test(id ?? ""))
      throw new ApiError(
        400,
        7003,
        `Could not route to /zones/${id}, perhaps your object identifier is invalid?`,
      );
    return found(this.zones, id, 9109, "Unauthorized to access requested resource", 403);
  }

  /** The zone that a host name belongs to, if any. */
  zoneOf(hostname: string): Zone | undefined {
    const bare = hostname.replace(/^\*\./, "");
    return [...this.zones.values()].find(({ name }) => bare === name || bare.endsWith(`.${name}`));
  }
}

export const newId = (): string => randomBytes(16).toString("hex");
export const now = (): string => new Date().toISOString();

/** What is kept under an id. @throws ApiError when nothing is */
export function found<T>(
  kept: ReadonlyMap<string, T>,
  id: string | undefined,
  code: number,
  message: string,
  status = 404,
): T {
  const value = kept.get(id ?? "");
  if (value === undefined) throw new ApiError(status, code, message);
  return value;
}
