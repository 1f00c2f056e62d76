// Which colour answers a request, and what of a request is known by name: the variables of nginx.conf.
import { COLORS } from "../../config/schema.ts";
import { CONF_DIR } from "../error-pages.ts";
import type { ResolvedSettings } from "../settings.ts";

export function scripting(): string {
  return `# The live colour, the canary and the counts: shared by all workers, kept over a reload, lost with a restart
# (then the state is read from ${CONF_DIR}/start).
# njs's own engine: a context of QuickJS holds 250 kB for as long as a request is open, WebSockets too (njs 26 kB), and
# takes 0.4 ms to make when none is left over (measured: nginx 1.30.6, njs 1.0.2).
js_engine njs;
js_shared_dict_zone zone=state:64k;
js_shared_dict_zone zone=counts:64k type=number;
js_set $now gateway.now;
js_set $routed gateway.route;
js_set $counted_blue gateway.blue;
js_set $counted_green gateway.green;
js_set $timed gateway.time;
js_var $color "";
js_var $release "";
js_var $canary_cookie "";
js_var $aside_slot "";
js_var $retry_after "";`;
}

/** A place that requests are passed on to. */
interface Upstream {
  readonly name: string;
  readonly server: string;
  /** Where its backup server (servers.ts) listens, inside the gateway's own network. */
  readonly meanwhile: string;
}

/** Both colours' applications, and the web servers of those that have one. */
export function slotUpstreams({ upstreams, web }: ResolvedSettings): readonly Upstream[] {
  const backups = { blue: "127.0.0.1:8082", green: "127.0.0.1:8083" };
  const webBackups = { blue: "127.0.0.1:8084", green: "127.0.0.1:8085" };
  return [
    ...COLORS.map((color) => ({ name: color, server: upstreams[color], meanwhile: backups[color] })),
    ...COLORS.flatMap((color) => {
      const server = web?.[color]?.upstream;
      return server === undefined ? [] : [{ name: `web_${color}`, server, meanwhile: webBackups[color] }];
    }),
  ];
}

export function upstreams(settings: ResolvedSettings): string {
  const one = ({ name, server, meanwhile }: Upstream): string => `upstream ${name} {
    zone ${name} 128k;
    # Docker's own resolver: a slot may be absent at start and may come back with another address.
    resolver ${settings.resolver} valid=1s ipv6=off;
    resolver_timeout 2s;
    server ${server} resolve max_fails=0;
    # A worker knows no address until its first answer from the resolver, after each reload: for some milliseconds requests go
    # on their way from here, or they would be answered 502 (one in some hundred new connections was, at each reload).
    server ${meanwhile} backup max_fails=0;
    keepalive ${settings.upstreamKeepaliveConnections};
    # Shorter than the application keeps an idle connection, or a request meets a connection that is being closed.
    keepalive_timeout ${settings.upstreamKeepaliveSeconds}s;
    keepalive_requests 100000;
}`;
  return `${slotUpstreams(settings).map(one).join("\n\n")}

# Where $slot is "none": no colour has been live yet.
upstream none {
    server 127.0.0.1:8081;
}`;
}

export function variables(settings: ResolvedSettings): string {
  const headers = Object.entries(settings.securityHeaders)
    .map(
      ([name, value]) => `
# The application's own ${name} wins.
map $upstream_http_${headerVariable(name)} $default_${headerVariable(name)} {
    "" "${value}";
    default "";
}`,
    )
    .join("");
  return `# "<canary> <live> <release.blue> <release.green>", or "!" while visitors are kept aside. Sets $color and $release as it matches. Reading $slot counts a request
# as begun: only proxy_pass may.
map $now $slot {
    "~^0 (?<color>blue) (?<release>[^ ]+) " blue;
    "~^0 (?<color>green) [^ ]+ (?<release>.+)" green;
    "~^0 none " none;
    "~^!" aside;
    default $routed;
}
map $color $counted {
    blue $counted_blue;
    green $counted_green;
    default "";
}
# Nothing to add below a millisecond, nor without an answer that somebody waited for.
map $status $gave_up {
    499 $timed;
    default "";
}
map $upstream_header_time $counted_time {
    "" $gave_up;
    - $gave_up;
    0.000 "";
    default $timed;
}
# A request id that a caller sends is kept when it cannot do harm in a log or a header.
map $http_x_request_id $sane_request_id {
    "" $request_id;
    "~^[A-Za-z0-9._-]{8,64}$" $http_x_request_id;
    default $request_id;
}
# Only WebSockets are passed on as upgrades: "Upgrade: h2c" would carry requests past this configuration.
map $http_upgrade $connection_header {
    websocket upgrade;
    default "";
}
map $http_upgrade $upgrade_header {
    websocket websocket;
    default "";
}
# WebSockets and event streams: no buffering, and silence is no fault.
map $http_accept $wants_events {
    "" 0;
    "~*text/event-stream" 1;
    default 0;
}
map $http_upgrade $is_stream {
    websocket 1;
    default $wants_events;
}
map $http_accept $page_suffix {
    "~*application/json" .json;
    default .html;
}
# What the application leaves to nobody, or to one visitor, stays so. A page on an asset's path is no file: some images answer
# with theirs whatever is not there, and kept it would stand for the other colour's file, which has that name.
map "$upstream_http_content_type:$upstream_http_cache_control" $asset_cache_control {
    "~*\\b(?:private|no-store)\\b" $upstream_http_cache_control;
    "~*^text/html" no-cache;
    default $asset_kept;
}
# An answer with a cookie is one visitor's. A 304 does not say what it is of: without the header, what a browser keeps stays
# under the one that it came with.
map "$status:$upstream_http_set_cookie" $asset_kept {
    "200:" $asset_by_name;
    "206:" $asset_by_name;
    "~^304:" "";
    default $upstream_http_cache_control;
}
# Eight small letters may be a word (icon-facebook.svg): then the application says how long. Of Vite's hashes one in a thousand
# looks like that.
map $uri $asset_by_name {
    "~-[a-z-]{8}\\.\\w+$" $upstream_http_cache_control;
    default "public, max-age=${settings.assetMaxAgeSeconds}, immutable";
}${headers}`;
}

/** A header's name as it stands in the name of a variable. */
export const headerVariable = (name: string): string => name.toLowerCase().replaceAll("-", "_");
