/** How fast one client address may ask. More is answered 429 with `Retry-After: 1`. */
export interface RateLimit {
  /** Lasting rate of one client address, requests per second. */
  readonly requestsPerSecond: number;
  /** Requests above the rate that are let through at once. */
  readonly burst: number;
}

/** TLS in the place of plain HTTP; certificate and key are in `TLS_DIR` (conf/tls.ts). */
export interface TlsSettings {
  /** Whether a visitor must show a client certificate that `clients.pem` there vouches for; without one the answer is 403. */
  readonly clientCertificate: boolean;
}

/** Where the visitor's address stands when a proxy comes in between. */
export interface RealAddress {
  /** The header that carries it. */
  readonly header: string;
  /** The proxy's own addresses, as CIDR ranges; from all others the header is ignored. */
  readonly from: readonly string[];
}

/** A slot's own web server, beside its application. */
export interface WebSettings {
  /** Where it listens, as `name:port`. */
  readonly upstream: string;
  /** The paths, with everything below them, that stay the application's. */
  readonly apiPaths: readonly string[];
}

/** What the gateway's configuration is made of. Everything but `upstreams` has a default, see {@link defaults}. */
export interface GatewaySettings {
  /** Where each colour's application listens, as `name:port`; the names need not exist yet. */
  readonly upstreams: { readonly blue: string; readonly green: string };
  /** For each colour whose release has one: the web server that gets every path but the application's. @default none */
  readonly web?: { readonly blue?: WebSettings; readonly green?: WebSettings } | undefined;
  /** DNS server that knows the upstreams' names. @default "127.0.0.11", Docker's own */
  readonly resolver?: string;
  /** Nginx worker processes. @default 2 */
  readonly workerProcesses?: number;
  /** Connections of one worker, to visitors and to slots together. @default 4096 */
  readonly workerConnections?: number;
  /** How long an old worker may carry its last connections after a reload. @default 3600: a configuration change cuts no WebSocket at once */
  readonly workerShutdownSeconds?: number;
  /** Idle connections that each worker keeps to each slot. @default 32 */
  readonly upstreamKeepaliveConnections?: number;
  /** Idle time after which the gateway closes such a connection; must be less than the application's own. @default 4, uvicorn's is 5 */
  readonly upstreamKeepaliveSeconds?: number;
  /** Idle time of a visitor's connection. @default 920, above Cloudflare's 900 */
  readonly keepaliveSeconds?: number;
  /** Least idle time of a visitor's connection before a reload closes it (Nginx ≥ 1.27.4). @default 5 */
  readonly keepaliveMinSeconds?: number;
  /** Largest request body in MiB; more is answered 413. @default 10 */
  readonly bodyLimitMb?: number;
  /** Limit per client address. @default none */
  readonly rate?: RateLimit | undefined;
  /** @default none: plain HTTP */
  readonly tls?: TlsSettings | undefined;
  /** @default none: the address of the connection is the visitor's */
  readonly realAddress?: RealAddress | undefined;
  /** Time to connect to a slot. @default 2 */
  readonly connectTimeoutSeconds?: number;
  /** Silence of a slot after which a visitor gets 504. @default 60 */
  readonly readTimeoutSeconds?: number;
  /** Silence of a visitor or slot that is being sent to. @default 60 */
  readonly sendTimeoutSeconds?: number;
  /** Silence on a WebSocket or event stream after which it is closed. @default 3600 */
  readonly streamIdleSeconds?: number;
  /** `Retry-After` of the gateway's own 502, 503 and 504. @default 5 */
  readonly retryAfterSeconds?: number;
  /**
   * Paths of files that carry a hash of their content in their name, as a regular expression.
   * @default hexadecimal ones anywhere (`main.8f3a2b1c.js`, `app-8f3a2b1c.css`) but UUIDs, and below `/assets/` Vite's, which are
   * eight characters of base64url (`index-DiwrgTda.js`)
   */
  readonly assetPattern?: string;
  /** How long browsers may keep such files. @default 31536000, a year */
  readonly assetMaxAgeSeconds?: number;
  /** The page that visitors see while maintenance is on, as HTML; all it shows is in it. @default the gateway's own */
  readonly maintenancePage?: string | undefined;
  /** How many requests may wait while a hold lasts; more are answered 503. @default 500 */
  readonly mostHeld?: number;
  /** gzip level 1 to 9. @default 4 */
  readonly gzipLevel?: number;
  /** Response headers given where the application gives none. @default nosniff, same-origin frames, short referrer */
  readonly securityHeaders?: Readonly<Record<string, string>>;
}

type Optional = "rate" | "tls" | "realAddress" | "web" | "maintenancePage";
export type ResolvedSettings = Required<Omit<GatewaySettings, Optional>> & Pick<GatewaySettings, Optional>;

/** The kinds of files that bundlers put a hash into the name of. */
export const ASSET_EXTENSIONS =
  "css js mjs map wasm svg png jpg jpeg webp avif gif ico woff woff2 ttf otf".split(" ");

export const defaults: Omit<ResolvedSettings, "upstreams"> = {
  resolver: "127.0.0.11",
  workerProcesses: 2,
  workerConnections: 4096,
  workerShutdownSeconds: 3600,
  upstreamKeepaliveConnections: 32,
  upstreamKeepaliveSeconds: 4,
  keepaliveSeconds: 920,
  keepaliveMinSeconds: 5,
  bodyLimitMb: 10,
  rate: undefined,
  tls: undefined,
  realAddress: undefined,
  web: undefined,
  connectTimeoutSeconds: 2,
  readTimeoutSeconds: 60,
  sendTimeoutSeconds: 60,
  streamIdleSeconds: 3600,
  retryAfterSeconds: 5,
  // The end of a UUID names what was uploaded, and no build's file.
  assetPattern: `(?:[.-](?<![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-)[0-9a-f]{8,64}|/assets/.*[^/]-[\\w-]{8})\\.(?:${ASSET_EXTENSIONS.join("|")})$`,
  assetMaxAgeSeconds: 31_536_000,
  maintenancePage: undefined,
  mostHeld: 500,
  gzipLevel: 4,
  securityHeaders: {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
  },
};

const NAME_PORT = /^[a-z0-9][a-z0-9._-]*:\d{1,5}$/i;
/** A path that goes to the application with everything below it; no final slash. */
export const API_PATH = /^(\/[\w.~-]+)+$/;

/**
 * Refuses what would render into something else than it says; every text goes into the configuration unquoted or in double quotes.
 * @throws Error naming each wrong setting, what was got and what is allowed
 */
export function checkSettings(settings: ResolvedSettings): ResolvedSettings {
  const problems: string[] = [];
  const allow = (name: string, value: string, pattern: RegExp, allowed: string): void => {
    if (!pattern.test(value)) problems.push(`${name} is ${JSON.stringify(value)}, allowed is ${allowed}`);
  };
  for (const color of ["blue", "green"] as const) {
    allow(`upstreams.${color}`, settings.upstreams[color], NAME_PORT, "name:port");
    const web = settings.web?.[color];
    if (web !== undefined) {
      allow(`web.${color}.upstream`, web.upstream, NAME_PORT, "name:port");
      for (const path of web.apiPaths) allow(`web.${color}.apiPaths`, path, API_PATH, "a path such as /api");
    }
  }
  allow("resolver", settings.resolver, /^[0-9a-f.:[\]]+$/i, "an address");
  allow("assetPattern", settings.assetPattern, /^[^"\n]+$/, "a regular expression without a double quote");
  if (settings.realAddress !== undefined) {
    const { header, from } = settings.realAddress;
    allow("realAddress.header", header, /^[A-Za-z][A-Za-z0-9-]*$/, "letters, digits, dashes");
    for (const range of from) allow("realAddress.from", range, /^[0-9a-f.:]+\/\d{1,3}$/, "a CIDR range");
    if (from.length === 0) problems.push("realAddress.from is empty, allowed is a list of CIDR ranges");
  }
  for (const [name, value] of Object.entries(settings.securityHeaders)) {
    allow("securityHeaders", name, /^[A-Za-z][A-Za-z0-9-]*$/, "letters, digits, dashes");
    allow(
      `securityHeaders.${name}`,
      value,
      /^[^"\n\\$]+$/,
      "text without double quote, backslash, dollar, newline",
    );
  }
  const numbers: readonly (readonly [string, unknown, number, number])[] = [
    ...Object.entries(settings).map(([name, value]) => [name, value, 1, Number.MAX_SAFE_INTEGER] as const),
    ["rate.requestsPerSecond", settings.rate?.requestsPerSecond, 1, 1_000_000],
    ["rate.burst", settings.rate?.burst, 0, 1_000_000],
    ["gzipLevel", settings.gzipLevel, 1, 9],
  ];
  for (const [name, value, least, most] of numbers) {
    if (typeof value === "number" && !(Number.isInteger(value) && value >= least && value <= most)) {
      problems.push(`${name} is ${value}, allowed are whole numbers from ${least} to ${most}`);
    }
  }
  if (problems.length > 0) throw new Error(`gateway settings: ${problems.join("; ")}`);
  return settings;
}
