// The servers: what visitors reach, what stands in for a missing colour or address, and the host's control socket.
import { CONF_DIR, HASH_PLACEHOLDER, errorPages, indent, noRelease } from "../error-pages.ts";
import type { ResolvedSettings } from "../settings.ts";
import { headerVariable, slotUpstreams } from "./routing.ts";
import { asideLocations } from "./aside.ts";
import { assetFallback, controlTarget, target } from "./web.ts";
import { assets, pages, streams } from "./ways.ts";
import { listener } from "./tls.ts";

export function publicServer(settings: ResolvedSettings): string {
  const { rate } = settings;
  const limit =
    rate === undefined
      ? ""
      : `\n    limit_req zone=visitors${rate.burst > 0 ? ` burst=${rate.burst} nodelay` : ""};\n`;
  const headers = Object.keys(settings.securityHeaders)
    .map((name) => `\n    add_header ${name} $default_${headerVariable(name)} always;`)
    .join("");
  return `server {
${indent(listener(settings))}
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

    # The application's own figures are the host's: /slot/<colour>/metrics at the control socket.
    location = /metrics {
        return 404;
    }

    location / {
        # A stream's own way begins as an error's page, and may end in one.
        recursive_error_pages on;
        if ($is_stream) {
            return 418;
        }
${indent(indent(pages(settings, target(settings), "$page_cache_control")))}
    }

    # Files with a hash in their name never change.
    location ~ "${settings.assetPattern}" {
${indent(indent(assets(settings, target(settings))))}
    }

    location @stream {
${indent(indent(streams(settings, target(settings))))}
    }

${indent(asideLocations(settings))}${assetFallback.server(settings)}

${indent(errorPages(settings))}
}`;
}

export function emptyServer(settings: ResolvedSettings): string {
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

/**
 * For each colour a server that asks the resolver at each request: the way of requests while a worker does not know the
 * colour's address. It passes on what the first pass made of a request, and hangs up where it cannot: the visitor's page is
 * the first pass's.
 */
export function meanwhile(settings: ResolvedSettings): string {
  const one = ({ server, meanwhile }: ReturnType<typeof slotUpstreams>[number]): string => `server {
    listen ${meanwhile};
    access_log off;
    gzip off;
    resolver ${settings.resolver} valid=1s ipv6=off;
    resolver_timeout ${settings.connectTimeoutSeconds}s;
    # The first pass is the one whose time runs out.
    proxy_read_timeout ${Math.max(settings.readTimeoutSeconds, settings.streamIdleSeconds) + 60}s;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $upgrade_header;
    proxy_set_header Connection $connection_header;
    error_page 502 504 = @gone;
    set $address ${server};
    location / {
        proxy_pass http://$address;
    }
    location @gone {
        return 444;
    }
}`;
  return `# See the backup servers of the two upstreams.
${slotUpstreams(settings).map(one).join("\n\n")}`;
}

/** Where Prometheus, as a container of the stack's network, asks for the gateway's own counts. */
export const METRICS_PORT = 9145;

export function metricsServer(): string {
  return `# Not published: reached from the stack's own network, and from the host at the container's address.
server {
    listen ${METRICS_PORT};
    js_import metrics from ${CONF_DIR}/${HASH_PLACEHOLDER}/metrics.js;
    access_log off;
    location = /metrics {
        js_content metrics.metrics;
    }
    location / {
        return 404 "paths: /metrics\\n";
    }
}`;
}

export function controlServer(settings: ResolvedSettings): string {
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
    location = /hold {
        js_content control.hold;
    }
    location = /counts {
        js_content control.counts;
    }
    location = /metrics {
        proxy_pass http://127.0.0.1:${METRICS_PORT};
    }
    location = /smoke {
        js_content control.smoke;
    }
    location /slot/blue/ {
        ${controlTarget(settings, "blue")}
    }
    location /slot/green/ {
        ${controlTarget(settings, "green")}
    }
    location / {
        return 404 "paths: /state /hold /counts /metrics /smoke /slot/blue/ /slot/green/\\n";
    }
}`;
}
