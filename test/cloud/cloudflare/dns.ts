import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { ApiError, type Route, parsed } from "./http.ts";
import { type Account, type DnsRecord, type Zone, found, newId, now } from "./state.ts";

const wanted = z.strictObject({
  name: z.string().min(1).max(255),
  type: z.enum(["A", "AAAA", "CAA", "CNAME", "MX", "TXT"]),
  content: z.string().min(1),
  ttl: z.number(),
  proxied: z.boolean().optional(),
  comment: z.string().max(100).nullable().optional(),
  priority: z.number().nullable().optional(),
  tags: z.array(z.never({ error: "tags are no part of the free plan" })).optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
  private_routing: z.boolean().optional(),
});
type Wanted = z.infer<typeof wanted>;

const PROXIABLE: readonly string[] = ["A", "AAAA", "CNAME"];
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/;

/** A name is the zone's own when it ends with it; any other is taken as lying beneath it. */
function fullName(name: string, zone: Zone): string {
  if (name === "@" || name === zone.name) return zone.name;
  return name.endsWith(`.${zone.name}`) ? name : `${name}.${zone.name}`;
}

function checkContent({ type, content, proxied }: Wanted): void {
  if (type === "A" && !isIPv4(content))
    throw new ApiError(400, 9005, "Content for A record must be a valid IPv4 address.");
  if (type === "AAAA" && !isIPv6(content))
    throw new ApiError(400, 9006, "Content for AAAA record must be a valid IPv6 address.");
  if (proxied === true && PRIVATE.test(content))
    throw new ApiError(400, 9003, `Target ${content} is not allowed for a proxied record.`);
}

function checkRecord(record: Wanted): void {
  checkContent(record);
  if (record.proxied === true && !PROXIABLE.includes(record.type))
    throw new ApiError(400, 9004, "This record type cannot be proxied.");
  if (record.ttl !== 1 && (record.ttl < 60 || record.ttl > 86_400))
    throw new ApiError(400, 9021, "TTL must be between 60 and 86400 seconds, or 1 for Automatic.");
}

/** @throws ApiError for what DNS or Cloudflare does not let stand beside what is there already. */
function checkOthers(zone: Zone, record: Wanted, name: string, self?: string): void {
  const others = [...zone.records.values()].filter((other) => other.name === name && other.id !== self);
  if (others.some((other) => other.type === record.type && other.content === record.content))
    throw new ApiError(400, 81058, "An identical record already exists.");
  const cname = record.type === "CNAME" && others.some(({ type }) => PROXIABLE.includes(type));
  const besideCname = PROXIABLE.includes(record.type) && others.some(({ type }) => type === "CNAME");
  if (cname || besideCname)
    throw new ApiError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
}

function put(zone: Zone, body: unknown, before?: DnsRecord): DnsRecord {
  const asked = parsed(wanted, body);
  checkRecord(asked);
  const name = fullName(asked.name, zone);
  checkOthers(zone, asked, name, before?.id);
  const proxied = asked.proxied ?? false;
  const record: DnsRecord = {
    id: before?.id ?? newId(),
    name,
    type: asked.type,
    content: asked.content,
    ttl: proxied ? 1 : asked.ttl,
    proxied,
    comment: asked.comment ?? null,
    created_on: before?.created_on ?? now(),
    modified_on: now(),
  };
  zone.records.set(record.id, record);
  return record;
}

const shown = (record: DnsRecord) => ({
  ...record,
  proxiable: PROXIABLE.includes(record.type),
  settings: {},
  meta: {},
  tags: [],
});

export function dnsRoutes(account: Account): Route[] {
  const record = (zone: Zone, id: string | undefined) =>
    found(zone.records, id, 81044, "Record does not exist.");
  return [
    {
      method: "GET",
      path: "/zones/{zone}/dns_records",
      handle: ({ params, query }) => {
        const name = query.get("name.exact") ?? query.get("name");
        const content = query.get("content.exact") ?? query.get("content");
        const type = query.get("type");
        return [...account.zone(params["zone"]).records.values()]
          .filter((one) => name === null || one.name === name)
          .filter((one) => content === null || one.content === content)
          .filter((one) => type === null || one.type === type)
          .map(shown);
      },
    },
    {
      method: "POST",
      path: "/zones/{zone}/dns_records",
      handle: ({ params, body }) => shown(put(account.zone(params["zone"]), body)),
    },
    {
      method: "GET",
      path: "/zones/{zone}/dns_records/{id}",
      handle: ({ params }) => shown(record(account.zone(params["zone"]), params["id"])),
    },
    {
      method: "PUT",
      path: "/zones/{zone}/dns_records/{id}",
      handle: ({ params, body }) => {
        const zone = account.zone(params["zone"]);
        return shown(put(zone, body, record(zone, params["id"])));
      },
    },
    {
      method: "DELETE",
      path: "/zones/{zone}/dns_records/{id}",
      handle: ({ params }) => {
        const zone = account.zone(params["zone"]);
        const { id } = record(zone, params["id"]);
        zone.records.delete(id);
        return { id };
      },
    },
  ];
}
