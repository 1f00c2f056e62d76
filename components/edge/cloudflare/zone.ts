// By class: the whole SDK takes 0.4 s to load, these a hundredth of it.
import { DnsRecord } from "@pulumi/cloudflare/dnsRecord.js";
import { Ruleset } from "@pulumi/cloudflare/ruleset.js";
import { ZoneSetting } from "@pulumi/cloudflare/zoneSetting.js";
import * as pulumi from "@pulumi/pulumi";
import type { CloudflareSettings } from "../../config/edge-schema.ts";
import type { StackId } from "../../config/names.ts";
import { markerContent, markerName } from "./owner.ts";
import { type Rule, ZONE_SETTINGS, cacheRules, firewallRules, rateRules } from "./rules.ts";

export interface ZoneArgs {
  readonly settings: CloudflareSettings;
  readonly zoneId: string;
  readonly id: StackId;
}

/**
 * What a zone has only one of: settings, and one entry-point ruleset for each phase. Declared by the one stack that owns
 * the zone; the marker says so to all others and is there before anything else is. Settings stay as they are when the
 * owner goes: Cloudflare cannot delete them.
 */
export class Zone extends pulumi.ComponentResource {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, { settings, zoneId, id }: ZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:edge:Zone", name, {}, opts);
    const marker = new DnsRecord(
      `${name}-owner`,
      {
        zoneId,
        name: markerName(settings.zone),
        type: "TXT",
        content: markerContent(id),
        proxied: false,
        ttl: 300,
        comment: "the stack that keeps this zone's settings and rules",
      },
      { parent: this },
    );
    const after = { parent: this, dependsOn: [marker] };
    const zoneSettings = Object.entries(ZONE_SETTINGS).map(
      ([settingId, value]) =>
        new ZoneSetting(`${name}-${settingId.replaceAll("_", "-")}`, { zoneId, settingId, value }, after),
    );
    const ruleset = (what: string, phase: string, rules: Rule[]) =>
      new Ruleset(
        `${name}-${what}`,
        {
          zoneId,
          kind: "zone",
          phase,
          name: `bluegreen ${what}`,
          description: `kept by ${id.project}/${id.stack}`,
          rules,
        },
        after,
      );
    this.resources = [
      marker,
      ...zoneSettings,
      ruleset("rate", "http_ratelimit", rateRules(settings.requestsPer10Seconds)),
      ruleset("firewall", "http_request_firewall_custom", firewallRules()),
      ruleset("cache", "http_request_cache_settings", cacheRules()),
    ];
    this.registerOutputs();
  }
}
