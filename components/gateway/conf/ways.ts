// The three ways on which requests are passed on, each the inside of a location.
import type { ResolvedSettings } from "../settings.ts";
import { hidden } from "./connections.ts";
import { assetFallback, pageCaching } from "./web.ts";

/** Everything that is neither of the others; `caching` is the variable with a page's Cache-Control. */
export function pages(settings: ResolvedSettings, to: string, caching: string): string {
  return `${pageCaching(settings, caching)}proxy_pass http://${to};`;
}

/** Files with a hash in their name. */
export function assets(settings: ResolvedSettings, to: string): string {
  return `${hidden("Cache-Control")}
add_header Cache-Control $asset_cache_control always;${assetFallback.location(settings)}
proxy_pass http://${to};`;
}

/** WebSockets and event streams. */
export function streams(settings: ResolvedSettings, to: string): string {
  return `proxy_buffering off;
proxy_read_timeout ${settings.streamIdleSeconds}s;
proxy_send_timeout ${settings.streamIdleSeconds}s;
send_timeout ${settings.streamIdleSeconds}s;
proxy_pass http://${to};`;
}
