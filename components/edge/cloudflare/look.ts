// By class: the whole SDK takes 0.4 s to load, these a hundredth of it.
import { getDnsRecords } from "@pulumi/cloudflare/getDnsRecords.js";
import { getIpRanges } from "@pulumi/cloudflare/getIpRanges.js";
import { getZone } from "@pulumi/cloudflare/getZone.js";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../message-of.ts";
import type { CloudflareSettings } from "../../config/edge-schema.ts";
import type { StackId } from "../../config/names.ts";
import { rangesDrift } from "../cloudflare-ranges.ts";
import type { ZoneRecord } from "../zone-record.ts";
import { markerName, ownersOf, ownership } from "./owner.ts";

/** What the token must be allowed to, for the zone alone. */
const SCOPES = "Zone: Read, DNS: Edit, SSL and Certificates: Edit";
const OWNER_SCOPES = "Zone Settings: Edit, Zone WAF: Edit, Cache Rules: Edit";

/**
 * Finds the zone and its owner; changes nothing. While Cloudflare does not answer, the zone is taken as the last run
 * found it (`previous`): a flip and the way back need nothing of Cloudflare.
 * @throws RunError without a token, and where this stack would be the zone's second owner
 */
export async function lookAtZone(
  settings: CloudflareSettings,
  id: StackId,
  previous: ZoneRecord | undefined,
): Promise<ZoneRecord> {
  checkToken(id.stack, settings.ownsZone);
  let found: Found;
  try {
    found = await askCloudflare(settings);
  } catch (error) {
    if (previous?.name !== settings.zone || previous.owned !== settings.ownsZone) throw error;
    void pulumi.log.warn(
      `Cloudflare could not be asked, so the zone ${settings.zone} is taken as the last run found it: ` +
        messageOf(error),
    );
    return previous;
  }
  judgeOwner(settings, id, found.owners);
  compareRanges(found.ranges);
  return { id: found.zoneId, name: settings.zone, owned: settings.ownsZone };
}

interface Found {
  readonly zoneId: string;
  /** As `project/stack`. */
  readonly owners: readonly string[];
  /** The addresses that Cloudflare publishes; none when it does not say. */
  readonly ranges: readonly string[];
}

async function askCloudflare(settings: CloudflareSettings): Promise<Found> {
  const { zone } = settings;
  const zoneId = settings.zoneId ?? (await getZone({ filter: { name: zone } })).id;
  const [markers, ranges] = await Promise.all([
    getDnsRecords({ zoneId, type: "TXT", name: { exact: markerName(zone) } }),
    // Only compared with: what is not known is nothing to say.
    getIpRanges({}).catch(() => undefined),
  ]);
  return {
    zoneId,
    owners: ownersOf(markers.results.map(({ content }) => content)),
    ranges: ranges === undefined ? [] : [...ranges.ipv4Cidrs, ...ranges.ipv6Cidrs],
  };
}

function judgeOwner({ zone, ownsZone }: CloudflareSettings, id: StackId, owners: readonly string[]): void {
  const owned = ownership(id, ownsZone, owners);
  switch (owned.kind) {
    case "free":
      return;
    case "nobody":
      void pulumi.log.warn(
        `no stack owns the zone ${zone}: its TLS mode and rules are as somebody left them; let one stack keep them ` +
          `(pulumi config set --stack ${id.stack} --path edge.ownsZone true)`,
      );
      return;
    case "refused":
      throw new pulumi.RunError(
        `bluegreen:edge.ownsZone: got true; allowed: false, because ${owned.owner} owns the zone ${zone} (its TXT record ` +
          `${markerName(zone)} says so); nothing was changed\n  fix: pulumi config set --stack ${id.stack} --path ` +
          "edge.ownsZone false, or set it to false for the other stack and run its `pulumi up` first",
      );
  }
}

function compareRanges(published: readonly string[]): void {
  if (published.length === 0) return;
  const { missing, gone } = rangesDrift(published);
  if (missing.length + gone.length === 0) return;
  void pulumi.log.warn(
    "Cloudflare publishes other addresses than components/edge/cloudflare-ranges.ts has: " +
      `missing there ${missing.join(", ") || "none"}, no longer published ${gone.join(", ") || "none"}`,
  );
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
