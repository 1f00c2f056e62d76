// By class: the whole SDK takes 0.4 s to load, these a hundredth of it.
import { getDnsRecords } from "@pulumi/cloudflare/getDnsRecords.js";
import { getIpRanges } from "@pulumi/cloudflare/getIpRanges.js";
import { getZone } from "@pulumi/cloudflare/getZone.js";
import * as pulumi from "@pulumi/pulumi";
import type { CloudflareSettings } from "../../config/edge-schema.ts";
import type { StackId } from "../../config/names.ts";
import { rangesDrift } from "../cloudflare-ranges.ts";
import type { EdgeZone } from "../edge.ts";
import { markerName, ownersOf, ownership } from "./owner.ts";

/** What the token must be allowed to, for the zone alone. */
const SCOPES = "Zone: Read, DNS: Edit, SSL and Certificates: Edit";
const OWNER_SCOPES = "Zone Settings: Edit, Zone WAF: Edit, Cache Rules: Edit";

/**
 * Finds the zone and its owner; changes nothing.
 * @throws RunError without a token, and where this stack would be the zone's second owner
 */
export async function lookAtZone(settings: CloudflareSettings, id: StackId): Promise<EdgeZone> {
  const { zone, ownsZone } = settings;
  checkToken(id.stack, ownsZone);
  const zoneId = settings.zoneId ?? (await getZone({ filter: { name: zone } })).id;
  const [markers, ranges] = await Promise.all([
    getDnsRecords({ zoneId, type: "TXT", name: { exact: markerName(zone) } }),
    // Only compared with: what is not known is nothing to say.
    getIpRanges({}).catch(() => undefined),
  ]);
  const owned = ownership(id, ownsZone, ownersOf(markers.results.map(({ content }) => content)));
  switch (owned.kind) {
    case "free":
      break;
    case "nobody":
      void pulumi.log.warn(
        `no stack owns the zone ${zone}: its TLS mode and rules are as somebody left them; let one stack keep them ` +
          "(pulumi config set --path edge.ownsZone true)",
      );
      break;
    case "refused":
      throw new pulumi.RunError(
        `bluegreen:edge.ownsZone: got true; allowed: false, because ${owned.owner} owns the zone ${zone} (its TXT record ` +
          `${markerName(zone)} says so); nothing was changed\n  fix: pulumi config set --stack ${id.stack} --path ` +
          "edge.ownsZone false, or set it to false for the other stack and run its `pulumi up` first",
      );
  }
  const { missing, gone } =
    ranges === undefined
      ? { missing: [], gone: [] }
      : rangesDrift([...ranges.ipv4Cidrs, ...ranges.ipv6Cidrs]);
  if (missing.length + gone.length > 0) {
    void pulumi.log.warn(
      "Cloudflare publishes other addresses than components/edge/cloudflare-ranges.ts has: " +
        `missing there ${missing.join(", ") || "none"}, no longer published ${gone.join(", ") || "none"}`,
    );
  }
  return { id: zoneId };
}

function checkToken(stack: string, ownsZone: boolean): void {
  const given = process.env["CLOUDFLARE_API_TOKEN"] ?? new pulumi.Config("cloudflare").get("apiToken");
  if (given !== undefined && given !== "") return;
  const scopes = ownsZone ? `${SCOPES}, ${OWNER_SCOPES}` : SCOPES;
  throw new pulumi.RunError(
    `cloudflare:apiToken: got nothing; allowed: an API token with ${scopes}, as CLOUDFLARE_API_TOKEN or in the config\n` +
      `  fix: pulumi config set --stack ${stack} --secret cloudflare:apiToken`,
  );
}
