import { z } from "zod";
import { ApiError, type Route, parsed } from "./http.ts";
import { type Account, type Zone, now } from "./state.ts";

const onOff = z.enum(["on", "off"]);
const hsts = z.strictObject({
  strict_transport_security: z.strictObject({
    enabled: z.boolean(),
    max_age: z.int().min(0).max(31_536_000),
    include_subdomains: z.boolean(),
    preload: z.boolean(),
    nosniff: z.boolean(),
  }),
});

interface Setting {
  readonly initial: unknown;
  readonly allowed: z.ZodType;
}

/** A zone's settings on the free plan, as they are before anybody changes them. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  "0rtt": { initial: "off", allowed: onOff },
  always_online: { initial: "off", allowed: onOff },
  always_use_https: { initial: "off", allowed: onOff },
  automatic_https_rewrites: { initial: "on", allowed: onOff },
  brotli: { initial: "on", allowed: onOff },
  browser_cache_ttl: { initial: 14_400, allowed: z.int().min(0).max(31_536_000) },
  browser_check: { initial: "on", allowed: onOff },
  cache_level: { initial: "aggressive", allowed: z.enum(["aggressive", "basic", "simplified"]) },
  development_mode: { initial: "off", allowed: onOff },
  early_hints: { initial: "off", allowed: onOff },
  email_obfuscation: { initial: "on", allowed: onOff },
  hotlink_protection: { initial: "off", allowed: onOff },
  http3: { initial: "on", allowed: onOff },
  ip_geolocation: { initial: "on", allowed: onOff },
  ipv6: { initial: "on", allowed: onOff },
  min_tls_version: { initial: "1.0", allowed: z.enum(["1.0", "1.1", "1.2", "1.3"]) },
  opportunistic_encryption: { initial: "on", allowed: onOff },
  opportunistic_onion: { initial: "on", allowed: onOff },
  rocket_loader: { initial: "off", allowed: onOff },
  security_header: {
    initial: {
      strict_transport_security: {
        enabled: false,
        max_age: 0,
        include_subdomains: false,
        preload: false,
        nosniff: false,
      },
    },
    allowed: hsts,
  },
  security_level: {
    initial: "medium",
    allowed: z.enum(["essentially_off", "low", "medium", "high", "under_attack"]),
  },
  ssl: { initial: "full", allowed: z.enum(["off", "flexible", "full", "strict"]) },
  tls_1_3: { initial: "on", allowed: z.enum(["on", "off", "zrt"]) },
  websockets: { initial: "on", allowed: onOff },
};
/** There on every plan to be read, on the free plan not to be changed. */
const PAID: Readonly<Record<string, unknown>> = { http2: "on", mirage: "off", polish: "off", waf: "off" };

function read(zone: Zone, id: string): object {
  const setting = SETTINGS[id];
  if (setting === undefined && !(id in PAID))
    throw new ApiError(400, 1006, `Unrecognized zone setting name: ${id}`);
  const initial = setting === undefined ? PAID[id] : setting.initial;
  const { value, modified_on } = zone.settings.get(id) ?? { value: initial, modified_on: null };
  return { id, value, editable: setting !== undefined, modified_on };
}

function change(zone: Zone, id: string, body: unknown): object {
  const before = read(zone, id);
  const setting = SETTINGS[id];
  if (setting === undefined) throw new ApiError(403, 1015, `Not allowed to edit setting for ${id}`);
  const { value } = parsed(z.strictObject({ value: z.unknown(), id: z.string().optional() }), body);
  if (!setting.allowed.safeParse(value).success)
    throw new ApiError(400, 1007, `Invalid value for zone setting ${id}: ${JSON.stringify(value)}`);
  zone.settings.set(id, { value, modified_on: now() });
  return { ...before, ...read(zone, id) };
}

export const settingRoutes = (account: Account): Route[] => [
  {
    method: "GET",
    path: "/zones/{zone}/settings/{setting}",
    handle: ({ params }) => read(account.zone(params["zone"]), params["setting"] ?? ""),
  },
  {
    method: "PATCH",
    path: "/zones/{zone}/settings/{setting}",
    handle: ({ params, body }) => change(account.zone(params["zone"]), params["setting"] ?? "", body),
  },
];
