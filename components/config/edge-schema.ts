import { z } from "zod";
import { kindOf, object, oneOf, text, wholeNumber } from "./leaves.ts";

const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/;
const ADDRESS = text(/^(\d{1,3}\.){3}\d{1,3}$/, "an IPv4 address");

/** The origin's TLS listener; what `gateway.port` and `gateway.address` are without TLS. */
const listener = {
  /** The port on the host. Cloudflare calls an origin on 443. */
  port: wholeNumber(1, 65_535, "a port").default(443),
  /** The address on the host that the port is published on. */
  address: ADDRESS.default("0.0.0.0"),
};

/**
 * How long browsers refuse plain HTTP to this host name after a visit: not at all, for five minutes (a mistake is over soon),
 * or for a year. Start with `short`; take `long` when everything has been seen to work.
 */
const hsts = oneOf("off", "short", "long");

/** What stands between visitors and the host. */
export const edgeSchema = z
  .discriminatedUnion(
    "kind",
    [
      object({ kind: z.literal("none") }),
      object({
        kind: z.literal("self-signed"),
        hostname: text(HOSTNAME, "a host name such as app.example.com"),
        ...listener,
        hsts: hsts.default("off"),
      }),
      object({
        kind: z.literal("cloudflare"),
        /** A zone of the account that the token is for; its free plan is enough. */
        zone: text(DOMAIN, "a zone such as example.com"),
        /** Default: asked for by name, which the token must be allowed to. */
        zoneId: text(/^[0-9a-f]{32}$/, "a zone id of 32 hexadecimal digits").optional(),
        hostname: text(DOMAIN, "a host name such as app.example.com"),
        /**
         * Whether this stack keeps what a zone has only one of: its settings and its rules, which count for every host
         * name in it and take the place of what was set by hand. One stack at most.
         */
        ownsZone: z.boolean({ error: "true or false" }).default(false),
        /** The owner's rate rule: requests of one address in 10 s and one data centre of Cloudflare. */
        requestsPer10Seconds: wholeNumber(1, 1_000_000, "requests").default(2000),
        /** The host's public address, where the kind of host does not know it. */
        originAddress: ADDRESS.optional(),
        ...listener,
        hsts: hsts.default("short"),
      }),
    ],
    { error: `${kindOf} "none", "self-signed" or "cloudflare"` },
  )
  .default({ kind: "none" });

export type EdgeSettings = z.output<typeof edgeSchema>;
export type CloudflareSettings = Extract<EdgeSettings, { kind: "cloudflare" }>;
/** An edge whose origin speaks TLS. */
export type TlsEdgeSettings = Exclude<EdgeSettings, { kind: "none" }>;
