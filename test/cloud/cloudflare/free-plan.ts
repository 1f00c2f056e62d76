import { z } from "zod";
import { ApiError, parsed } from "./http.ts";

/**
 * How many rules a zone on the free plan may have, by phase.
 * https://developers.cloudflare.com/waf/custom-rules/, …/waf/rate-limiting-rules/, …/cache/how-to/cache-rules/ and
 * …/rules/transform/, read in November 2026.
 */
const MOST: Readonly<Record<string, number>> = {
  http_config_settings: 10,
  http_ratelimit: 1,
  http_request_cache_settings: 10,
  http_request_dynamic_redirect: 10,
  http_request_firewall_custom: 5,
  http_request_origin: 10,
  http_request_transform: 10,
  http_response_headers_transform: 10,
};

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  http_config_settings: ["set_config"],
  http_ratelimit: ["block"],
  http_request_cache_settings: ["set_cache_settings"],
  http_request_dynamic_redirect: ["redirect"],
  http_request_firewall_custom: ["block", "challenge", "js_challenge", "managed_challenge", "skip"],
  http_request_origin: ["route"],
  http_request_transform: ["rewrite"],
  http_response_headers_transform: ["rewrite"],
};

/** Visitors are counted by address, per data centre, over ten seconds, and shut out for ten. */
const ratelimit = z.strictObject({
  characteristics: z
    .array(z.enum(["cf.colo.id", "ip.src"]))
    .refine(
      (all) => all.includes("cf.colo.id") && all.includes("ip.src"),
      "cf.colo.id and ip.src are both needed",
    ),
  period: z.literal(10),
  requests_per_period: z.int().min(1),
  mitigation_timeout: z.literal(10),
  counting_expression: z.literal("").optional(),
  requests_to_origin: z.literal(false).optional(),
});

export interface PlannedRule {
  readonly action: string;
  readonly expression: string;
  readonly [other: string]: unknown;
}

/** @throws ApiError for what a zone on the free plan is not entitled to */
export function checkFreePlan(phase: string, rules: readonly PlannedRule[]): void {
  const most = MOST[phase] ?? 0;
  if (rules.length > most)
    throw new ApiError(
      400,
      20_120,
      `exceeded maximum number of rules in the phase ${phase}: ${rules.length} out of ${most}`,
    );
  for (const rule of rules) {
    if (!(ACTIONS[phase] ?? []).includes(rule.action))
      throw new ApiError(400, 20_016, `action '${rule.action}' is not allowed for phase ${phase}`);
    if (/\bmatches\b/.test(rule.expression.replaceAll(/"[^"]*"/g, "")))
      throw new ApiError(400, 20_127, "not entitled: the use of operator Matches is not allowed");
    if (phase === "http_ratelimit") parsed(ratelimit, rule["ratelimit"]);
  }
}
