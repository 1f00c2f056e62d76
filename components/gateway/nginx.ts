// The gateway's configuration as a pure function of its settings. Which colour is live is *not* a setting: it is a
// value in a dictionary (see route.js), so no flip ever changes this text.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { BundleFile } from "../host/bundle.ts";
import { CONF_DIR, HASH_PLACEHOLDER, PAGES, errorPages, indent, noRelease } from "./error-pages.ts";
import { defaults, checkSettings } from "./settings.ts";
import type { GatewaySettings, ResolvedSettings } from "./settings.ts";

export { CONF_DIR };

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/**
 * nginx.conf, ready to be installed. The text carries the hash of everything it belongs with (itself, route.js, pages);
 * `GET /state` on the control socket answers that hash, which proves which configuration serves.
 */
export function renderNginx(settings: GatewaySettings): string {
  const files = companions();
  const draft = render({ ...defaults, ...settings });
  const hash = createHash("sha256");
  for (const { path, content } of [{ path: "nginx.conf", content: draft }, ...files]) {
    hash.update(`${path}\0${content}\0`);
  }
  return draft.replaceAll(HASH_PLACEHOLDER, hash.digest("hex").slice(0, 16));
}

/** The hash that `GET /state` reports once this configuration serves. */
export function configHash(settings: GatewaySettings): string {
  const found = /set \$config_hash ([0-9a-f]{16});/.exec(renderNginx(settings));
  if (found?.[1] === undefined) throw new Error("the rendered configuration carries no hash");
  return found[1];
}

/**
 * Every file of the gateway's configuration folder except `start`. All but nginx.conf lie in a folder named after the hash:
 * the rename of nginx.conf alone brings in the whole set, so a cut-off installation never mixes two versions.
 */
export function gatewayFiles(settings: GatewaySettings): readonly BundleFile[] {
  const folder = configHash(settings);
  return [
    ...companions().map(({ path, content }) => ({ path: `${folder}/${path}`, content })),
    { path: "nginx.conf", content: renderNginx(settings) },
  ];
}

function companions(): readonly BundleFile[] {
  return [
    { path: "route.js", content: read("njs/route.js") },
    { path: "control.js", content: read("njs/control.js") },
    ...PAGES.map((page) => ({ path: `pages/${page}`, content: read(`pages/${page}`) })),
  ];
}

function render(given: ResolvedSettings): string {
  const settings = checkSettings(given);
  return `# Rendered by components/gateway/nginx.ts, configuration ${HASH_PLACEHOLDER}. Changes by hand are lost.
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;

worker_processes ${settings.workerProcesses};
worker_rlimit_nofile ${settings.workerConnections * 2 + 1024};
# Old workers of a reload: how long what they still carry (WebSockets above all) may last.
worker_shutdown_timeout ${settings.workerShutdownSeconds}s;
pid /tmp/nginx.pid;
error_log stderr warn;
pcre_jit on;

events {
    worker_connections ${settings.workerConnections};
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    server_tokens off;
    sendfile on;
    tcp_nodelay on;

    # The root file system is read-only; /tmp is a tmpfs.
    client_body_temp_path /tmp/client_temp;
    proxy_temp_path /tmp/proxy_temp;
    fastcgi_temp_path /tmp/fastcgi_temp;
    uwsgi_temp_path /tmp/uwsgi_temp;
    scgi_temp_path /tmp/scgi_temp;

${indent(scripting())}

${indent(upstreams(settings))}

${indent(variables(settings))}

${indent(logging())}

${indent(connections(settings))}

${indent(compression(settings))}

${indent(publicServer(settings))}

${indent(emptyServer(settings))}

${indent(controlServer())}
}
`;
}

function scripting(): string {
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
js_var $canary_cookie "";`;
}

function upstreams(settings: ResolvedSettings): string {
  const one = (color: "blue" | "green"): string => `upstream ${color} {
    zone ${color} 128k;
    # Docker's own resolver: a slot may be absent at start and may come back with another address.
    resolver ${settings.resolver} valid=1s ipv6=off;
    resolver_timeout 2s;
    server ${settings.upstreams[color]} resolve max_fails=0;
    keepalive ${settings.upstreamKeepaliveConnections};
    # Shorter than the application keeps an idle connection, or a request meets a connection that is being closed.
    keepalive_timeout ${settings.upstreamKeepaliveSeconds}s;
    keepalive_requests 100000;
}`;
  return `${one("blue")}

${one("green")}

# Where $slot is "none": no colour has been live yet.
upstream none {
    server 127.0.0.1:8081;
}`;
}

function variables(settings: ResolvedSettings): string {
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
  return `# "<canary> <live> <release.blue> <release.green>". Sets $color and $release as it matches. Reading $slot counts a request
# as begun: only proxy_pass may.
map $now $slot {
    "~^0 (?<color>blue) (?<release>[^ ]+) " blue;
    "~^0 (?<color>green) [^ ]+ (?<release>.+)" green;
    "~^0 none " none;
    default $routed;
}
map $color $counted {
    blue $counted_blue;
    green $counted_green;
    default "";
}
# Nothing to add below a millisecond, nor without an answer.
map $upstream_header_time $counted_time {
    "" "";
    - "";
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
map $status $asset_cache_control {
    200 "public, max-age=${settings.assetMaxAgeSeconds}, immutable";
    206 "public, max-age=${settings.assetMaxAgeSeconds}, immutable";
    304 "public, max-age=${settings.assetMaxAgeSeconds}, immutable";
    default $upstream_http_cache_control;
}${headers}`;
}

function logging(): string {
  return `# $counted and $counted_time count the request while its line is written: every request that a colour saw must be
# logged here.
log_format json escape=json
    '{"time":"$time_iso8601","requestId":"$sane_request_id","address":"$remote_addr",'
    '"method":"$request_method","uri":"$request_uri","status":$status,"bytes":$body_bytes_sent,'
    '"seconds":$request_time,"upstreamSeconds":"$upstream_response_time","color":"$counted$counted_time","release":"$release",'
    '"agent":"$http_user_agent"}';
access_log /dev/stdout json buffer=64k flush=1s;`;
}

function connections(settings: ResolvedSettings): string {
  const { rate } = settings;
  const limit =
    rate === undefined
      ? ""
      : `
# A request without a key is not limited. The switch asks from outside to prove a flip; published ports give it the same
# address as other callers on its host. $proven compares its token, and only when the header is there.
js_set $proven gateway.proven;
map $http_x_bluegreen_proof $limited {
    "" $binary_remote_addr;
    default $limited_unproven;
}
map $proven $limited_unproven {
    1 "";
    default $binary_remote_addr;
}
proxy_set_header X-Bluegreen-Proof "";
limit_req_zone $limited zone=visitors:10m rate=${rate.requestsPerSecond}r/s;
limit_req_status 429;
limit_req_log_level info;
`;
  return `# Cloudflare keeps idle connections to an origin for up to 900 s: the origin must not be the first to hang up.
keepalive_timeout ${settings.keepaliveSeconds}s;
keepalive_requests 100000;
# A reload closes idle keep-alive connections only after this long, or a request on its way meets a closed one.
keepalive_min_timeout ${settings.keepaliveMinSeconds}s;
client_header_timeout 15s;
client_body_timeout ${settings.sendTimeoutSeconds}s;
send_timeout ${settings.sendTimeoutSeconds}s;
client_max_body_size ${settings.bodyLimitMb}m;
reset_timedout_connection on;
${limit}
proxy_http_version 1.1;
proxy_connect_timeout ${settings.connectTimeoutSeconds}s;
proxy_read_timeout ${settings.readTimeoutSeconds}s;
proxy_send_timeout ${settings.sendTimeoutSeconds}s;
# Only a connection that the application closed meanwhile is tried again, and never a POST that was sent.
proxy_next_upstream error;
proxy_next_upstream_tries 2;
proxy_set_header Host $http_host;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Request-Id $sane_request_id;
proxy_set_header Upgrade $upgrade_header;
proxy_set_header Connection $connection_header;
proxy_hide_header X-Request-Id;
proxy_hide_header X-Color;
proxy_hide_header X-Release;`;
}

function compression(settings: ResolvedSettings): string {
  return `# text/event-stream is left out: compression would hold events back.
gzip on;
gzip_comp_level ${settings.gzipLevel};
gzip_min_length 1024;
gzip_vary on;
gzip_proxied any;
gzip_types text/plain text/css text/xml application/json application/javascript text/javascript application/xml image/svg+xml;`;
}

function publicServer(settings: ResolvedSettings): string {
  const { rate } = settings;
  const limit =
    rate === undefined
      ? ""
      : `\n    limit_req zone=visitors${rate.burst > 0 ? ` burst=${rate.burst} nodelay` : ""};\n`;
  const headers = Object.keys(settings.securityHeaders)
    .map((name) => `\n    add_header ${name} $default_${headerVariable(name)} always;`)
    .join("");
  return `server {
    listen 8080;
    js_import gateway from ${CONF_DIR}/${HASH_PLACEHOLDER}/route.js;
    add_header_inherit merge;
    add_header X-Request-Id $sane_request_id always;
    add_header X-Color $color always;
    add_header X-Release $release always;
    add_header Set-Cookie $canary_cookie always;${headers}
${limit}
    # 418 is a way to choose a location by header; an application's own 418 is passed on untouched.
    error_page 418 = @stream;
    error_page 429 /.gateway/429$page_suffix;
    error_page 502 /.gateway/502$page_suffix;
    error_page 503 /.gateway/503$page_suffix;
    error_page 504 /.gateway/504$page_suffix;

    # The gateway itself, with or without a live colour.
    location = /healthz {
        access_log off;
        default_type text/plain;
        return 200 "ok\\n";
    }

    location / {
        if ($is_stream) {
            return 418;
        }
        proxy_pass http://$slot;
    }

    # Files with a hash in their name never change.
    location ~ "${settings.assetPattern}" {
        proxy_hide_header Cache-Control;
        add_header Cache-Control $asset_cache_control always;
        proxy_pass http://$slot;
    }

    location @stream {
        proxy_buffering off;
        proxy_read_timeout ${settings.streamIdleSeconds}s;
        proxy_send_timeout ${settings.streamIdleSeconds}s;
        send_timeout ${settings.streamIdleSeconds}s;
        proxy_pass http://$slot;
    }

${indent(errorPages(settings))}
}`;
}

function emptyServer(settings: ResolvedSettings): string {
  return `# Answers for the colour that does not exist yet.
server {
    listen 127.0.0.1:8081;
    access_log off;
    error_page 503 /.gateway/503$page_suffix;
    location / {
        return 503;
    }
${indent(noRelease(settings))}
}`;
}

function controlServer(): string {
  return `# Reached only through the host's folder, which only its owner can enter.
server {
    listen unix:/run/bluegreen/control.sock;
    js_import control from ${CONF_DIR}/${HASH_PLACEHOLDER}/control.js;
    access_log off;
    client_max_body_size 1m;
    subrequest_output_buffer_size 1m;
    set $config_hash ${HASH_PLACEHOLDER};

    location = /state {
        js_content control.state;
    }
    location = /counts {
        js_content control.counts;
    }
    location = /smoke {
        js_content control.smoke;
    }
    location /slot/blue/ {
        proxy_pass http://blue/;
    }
    location /slot/green/ {
        proxy_pass http://green/;
    }
    location / {
        return 404 "paths: /state /counts /smoke /slot/blue/ /slot/green/\\n";
    }
}`;
}

const headerVariable = (name: string): string => name.toLowerCase().replaceAll("-", "_");
