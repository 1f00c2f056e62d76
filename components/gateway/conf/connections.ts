// How long connections last, who may ask how much, what is passed on, what is logged.
import type { ResolvedSettings } from "../settings.ts";

/** Headers that the gateway gives itself. */
const OWN_HEADERS = ["X-Request-Id", "X-Color", "X-Release"];

/**
 * What visitors do not get of an application's headers. Nginx inherits this list only where there is no line of its kind: a
 * location that hides `more` has to repeat all of it.
 */
export function hidden(...more: readonly string[]): string {
  return [...OWN_HEADERS, ...more].map((name) => `proxy_hide_header ${name};`).join("\n");
}

export function logging(): string {
  return `# $counted and $counted_time count the request while its line is written: every request that a colour saw must be
# logged here.
log_format json escape=json
    '{"time":"$time_iso8601","requestId":"$sane_request_id","address":"$remote_addr",'
    '"method":"$request_method","uri":"$request_uri","status":$status,"bytes":$body_bytes_sent,'
    '"seconds":$request_time,"upstreamSeconds":"$upstream_response_time","color":"$counted$counted_time","release":"$release",'
    '"agent":"$http_user_agent"}';
access_log /dev/stdout json buffer=64k flush=1s;`;
}

export function connections(settings: ResolvedSettings): string {
  const { rate, tls } = settings;
  // With TLS nobody gets here without it but the host's own checks, over the control socket: an application that sends plain
  // HTTP to https would fail those.
  const scheme = tls === undefined ? "$scheme" : "https";
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
# Tried once more: what never reached the application, and a GET whose connection broke; never a POST that was sent.
proxy_next_upstream error;
proxy_next_upstream_tries 2;
proxy_set_header Host $http_host;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto ${scheme};
proxy_set_header X-Request-Id $sane_request_id;
proxy_set_header Upgrade $upgrade_header;
proxy_set_header Connection $connection_header;
proxy_set_header X-Bluegreen-Bypass "";
proxy_set_header X-Bluegreen-Proof "";
${hidden()}`;
}

export function compression(settings: ResolvedSettings): string {
  return `# text/event-stream is left out: compression would hold events back.
gzip on;
gzip_comp_level ${settings.gzipLevel};
gzip_min_length 1024;
gzip_vary on;
gzip_proxied any;
gzip_types text/plain text/css text/xml application/json application/javascript text/javascript application/xml image/svg+xml;`;
}
