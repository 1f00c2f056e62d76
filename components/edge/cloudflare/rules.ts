// What the owner of a zone has Cloudflare do, within the free plan: one rate rule (10 s), at most five rules of one's own,
// no regular expressions. Every field is set and each rule has a `ref`, or the provider shows a difference for ever. The
// rules count for every host name of the zone.
import type { types } from "@pulumi/cloudflare";
import { ASSET_EXTENSIONS } from "../../gateway/settings.ts";

export type Rule = types.input.RulesetRule & { readonly expression: string };

/** The zone's settings, as Cloudflare names them. */
export const ZONE_SETTINGS = {
  /** Full (strict): Cloudflare checks the origin's certificate. */
  ssl: "strict",
  min_tls_version: "1.2",
  tls_1_3: "on",
  /** The redirect that the origin has no port for. */
  always_use_https: "on",
} as const;

/** A flood is stopped before it reaches the origin. The finer limit, per second, is the gateway's. */
export function rateRules(requestsPer10Seconds: number): Rule[] {
  return [
    {
      ref: "bluegreen-flood",
      description: "a flood from one address",
      enabled: true,
      // The path is the one field that a rate rule of the free plan may look at.
      expression: '(http.request.uri.path contains "/")',
      action: "block",
      ratelimit: {
        characteristics: ["cf.colo.id", "ip.src"],
        period: 10,
        requestsPerPeriod: requestsPer10Seconds,
        mitigationTimeout: 10,
        requestsToOrigin: false,
      },
    },
  ];
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** What only somebody asks for who is looking for a way in. */
const PROBES = ["/.env", "/.git/", "/.aws/", "/wp-login.php", "/wp-admin/", "/xmlrpc.php", "/phpmyadmin"];

export function firewallRules(): Rule[] {
  return [
    {
      ref: "bluegreen-probes",
      description: "paths that only a search for weaknesses asks for",
      enabled: true,
      expression: PROBES.map((path) => `(lower(http.request.uri.path) contains "${path}")`).join(" or "),
      action: "block",
    },
    {
      ref: "bluegreen-methods",
      description: "methods that no application here answers",
      enabled: true,
      expression: `(not http.request.method in {${METHODS.map((method) => `"${method}"`).join(" ")}})`,
      action: "block",
    },
  ];
}

/**
 * Files are kept as long as their own header says, and not at all without one: the gateway gives that header to names
 * with a hash in them only. Cloudflare's own default of two hours would show an old release's `app.js` after a flip.
 */
export function cacheRules(): Rule[] {
  return [
    {
      ref: "bluegreen-assets",
      description: "files whose header allows it",
      enabled: true,
      expression: `(http.request.uri.path.extension in {${ASSET_EXTENSIONS.map((name) => `"${name}"`).join(" ")}})`,
      action: "set_cache_settings",
      actionParameters: {
        cache: true,
        edgeTtl: { mode: "bypass_by_default" },
        browserTtl: { mode: "respect_origin" },
      },
    },
  ];
}
