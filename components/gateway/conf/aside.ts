// Maintenance and holds. While one of them is on, $now is "!" and every request that would be passed on goes to the upstream
// `aside`, which answers at once and has it sent to the location @aside with all that came with it: there aside.js decides.
// So a request pays nothing for this while visitors are let in, and connections that are open do not notice.
import { CONF_DIR, HASH_PLACEHOLDER, indent } from "../error-pages.ts";
import type { ResolvedSettings } from "../settings.ts";
import { asideTarget, asideWebVariables } from "./web.ts";
import { assets, pages, streams } from "./ways.ts";

export function asideServer(): string {
  return `# Where $slot is "aside": answers at once, reads no body, and has the request go on in @aside.
upstream aside {
    server 127.0.0.1:8086;
    keepalive 32;
}
server {
    listen 127.0.0.1:8086;
    access_log off;
    location / {
        add_header X-Accel-Redirect @aside always;
        return 204;
    }
}`;
}

export function asideVariables(settings: ResolvedSettings): string {
  return `
# The way on of a request that was kept aside, as its location would have chosen.
map $uri $aside_way {
    "~${settings.assetPattern}" @aside_asset;
    default $aside_other_way;
}
map $is_stream $aside_other_way {
    1 @aside_stream;
    default @aside_page;
}${asideWebVariables(settings)}`;
}

export function asideLocations(settings: ResolvedSettings): string {
  const to = asideTarget(settings);
  const js = `js_import aside from ${CONF_DIR}/${HASH_PLACEHOLDER}/aside.js;`;
  return `location @aside {
    ${js}
    set $most_held ${settings.mostHeld};
    js_content aside.handle;
}

location @closed {
    error_page 503 /.gateway/maintenance$page_suffix;
    return 503;
}

location @aside_page {
${indent(pages(settings, to, "$aside_page_cache_control"))}
}

location @aside_asset {
${indent(assets(settings, to))}
}

location @aside_stream {
${indent(streams(settings, to))}
}

location = /.bluegreen/bypass {
    ${js}
    js_content aside.bypass;
}

location = /.gateway/bypass.html {
    internal;
    add_header Cache-Control no-store always;
    charset utf-8;
    alias ${CONF_DIR}/${HASH_PLACEHOLDER}/pages/bypass.html;
}`;
}
