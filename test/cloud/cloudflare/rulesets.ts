import { z } from "zod";
import { ApiError, type Route, parsed } from "./http.ts";
import { checkFreePlan } from "./free-plan.ts";
import { type Account, type Rule, type Ruleset, type Zone, found, newId, now } from "./state.ts";

const PHASES = [
  "http_config_settings",
  "http_ratelimit",
  "http_request_cache_settings",
  "http_request_dynamic_redirect",
  "http_request_firewall_custom",
  "http_request_origin",
  "http_request_transform",
  "http_response_headers_transform",
] as const;

const rule = z.looseObject({
  id: z.string().optional(),
  ref: z.string().optional(),
  action: z.string().min(1),
  expression: z.string().min(1),
  enabled: z.boolean().default(true),
});
const wanted = z.strictObject({
  name: z.string().min(1),
  description: z.string().default(""),
  kind: z.literal("zone"),
  phase: z.enum(PHASES),
  rules: z.array(rule).default([]),
  id: z.string().optional(),
});
type Wanted = z.infer<typeof wanted>;

/** Rules keep their ids where the `ref` is the same, as with Cloudflare. */
function rulesOf(asked: Wanted, before: Ruleset | undefined): Rule[] {
  const refs = asked.rules.flatMap(({ ref }) => (ref === undefined ? [] : [ref]));
  if (new Set(refs).size !== refs.length)
    throw new ApiError(400, 20_004, "rules with the same reference are not allowed");
  return asked.rules.map((one) => {
    const old = before?.rules.find(({ id, ref }) => ref === one.ref || id === one.id);
    const id = old?.id ?? newId();
    const version = String(Number(old?.version ?? 0) + 1);
    return { ...one, id, ref: one.ref ?? id, version, last_updated: now() };
  });
}

function put(zone: Zone, body: unknown, before?: Ruleset): Ruleset {
  const asked = parsed(wanted, body);
  const other = [...zone.rulesets.values()].find(
    ({ phase, id }) => phase === asked.phase && id !== before?.id,
  );
  if (other !== undefined)
    throw new ApiError(
      400,
      20_217,
      `'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase ${asked.phase}`,
    );
  if (before !== undefined && before.phase !== asked.phase)
    throw new ApiError(400, 20_031, "the phase of a ruleset cannot be changed");
  checkFreePlan(asked.phase, asked.rules);
  const ruleset: Ruleset = {
    id: before?.id ?? newId(),
    name: asked.name,
    description: asked.description,
    kind: "zone",
    phase: asked.phase,
    version: String(Number(before?.version ?? 0) + 1),
    last_updated: now(),
    rules: rulesOf(asked, before),
  };
  zone.rulesets.set(ruleset.id, ruleset);
  return ruleset;
}

const NONE = "could not find ruleset";

export function rulesetRoutes(account: Account): Route[] {
  const ruleset = (zone: Zone, id: string | undefined) => found(zone.rulesets, id, 20_018, NONE);
  return [
    {
      method: "GET",
      path: "/zones/{zone}/rulesets",
      handle: ({ params }) =>
        [...account.zone(params["zone"]).rulesets.values()].map((one) => ({ ...one, rules: undefined })),
    },
    {
      method: "POST",
      path: "/zones/{zone}/rulesets",
      handle: ({ params, body }) => put(account.zone(params["zone"]), body),
    },
    {
      method: "GET",
      path: "/zones/{zone}/rulesets/phases/{phase}/entrypoint",
      handle: ({ params }) => {
        const all = [...account.zone(params["zone"]).rulesets.values()];
        const entry = all.find(({ phase }) => phase === params["phase"]);
        if (entry === undefined) throw new ApiError(404, 10_003, `${NONE} for phase ${params["phase"]}`);
        return entry;
      },
    },
    {
      method: "GET",
      path: "/zones/{zone}/rulesets/{id}",
      handle: ({ params }) => ruleset(account.zone(params["zone"]), params["id"]),
    },
    {
      method: "PUT",
      path: "/zones/{zone}/rulesets/{id}",
      handle: ({ params, body }) => {
        const zone = account.zone(params["zone"]);
        return put(zone, body, ruleset(zone, params["id"]));
      },
    },
    {
      method: "DELETE",
      path: "/zones/{zone}/rulesets/{id}",
      handle: ({ params }) => {
        const zone = account.zone(params["zone"]);
        zone.rulesets.delete(ruleset(zone, params["id"]).id);
        return undefined;
      },
    },
  ];
}
