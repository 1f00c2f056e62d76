// A slot's own web server beside its application. Which of the two answers is decided by the path and by the colour alone, so
// that a release with other paths, or without a web server, changes nothing for visitors of the other colour. Where no slot has
// one, nothing of this is in nginx.conf.
import { COLORS, type Color } from "../../config/schema.ts";
import { indent } from "../error-pages.ts";
import type { ResolvedSettings } from "../settings.ts";
import { hidden } from "./connections.ts";

const hasWeb = ({ web }: ResolvedSettings) => COLORS.some((color) => web?.[color] !== undefined);

/** The variable that says where a request goes. */
export const target = (settings: ResolvedSettings): string => (hasWeb(settings) ? "$part" : "$slot");

/** The paths of the application, as a regular expression; its own figures are asked for at the control socket. */
function pathPattern(apiPaths: readonly string[]): string {
  const paths = [...apiPaths, "/metrics"].map((path) => path.replaceAll(/[.~]/g, "\\$&"));
  return `^(?:${paths.join("|")})(?:/|$)`;
}

/** Which part of one colour a path belongs to, and whom else to ask for an asset. */
function parts(settings: ResolvedSettings, color: Color): string {
  const web = settings.web?.[color];
  const fallback = (name: string) => (web === undefined ? "none" : name);
  return `map $uri $${color}_part {${web === undefined ? "" : `\n    "~${pathPattern(web.apiPaths)}" ${color};`}
    default ${web === undefined ? color : `web_${color}`};
}
map $uri $${color}_assets {${web === undefined ? "" : `\n    "~${pathPattern(web.apiPaths)}" none;`}
    default ${fallback(`web_${color}`)};
}`;
}

/** The same of a request that was kept aside: its first way was to no colour's part. */
export function asideWebVariables(settings: ResolvedSettings): string {
  if (!hasWeb(settings)) return "";
  return `
map $aside_slot $aside_part {
    blue $blue_part;
    green $green_part;
    default none;
}
${pageCacheControl("aside_part", "aside_page_cache_control")}`;
}

/** The variable that says where a request goes that was kept aside. */
export const asideTarget = (settings: ResolvedSettings): string =>
  hasWeb(settings) ? "$aside_part" : "$aside_slot";

export function webVariables(settings: ResolvedSettings): string {
  if (!hasWeb(settings)) return "";
  return `
# Where a slot has a web server of its own, the path says whether that or the application answers.
${COLORS.map((color) => parts(settings, color)).join("\n")}
map $slot $part {
    blue $blue_part;
    green $green_part;
    aside aside;
    default none;
}
# Assets of the release before and of the next one: a page that was open at a flip, either way, still asks for its own.
map $color $other_assets {
    blue $green_assets;
    green $blue_assets;
    default none;
}
# A page names its assets: kept, it would name those of a release that is gone. Most 304s do not say what they are of.
${pageCacheControl("part", "page_cache_control")}`;
}

function pageCacheControl(part: string, name: string): string {
  return `map "$${part}:$status:$upstream_http_content_type" $${name} {
    "~^web_[a-z]+:\\d+:text/html" no-cache;
    "~^web_[a-z]+:304:$" no-cache;
    default $upstream_http_cache_control;
}`;
}

/** Lines of the location of everything that is not an asset. */
export function pageCaching(settings: ResolvedSettings, value: string): string {
  return hasWeb(settings)
    ? `${hidden("Cache-Control")}
add_header Cache-Control ${value} always;
`
    : "";
}

/** An asset that the visitor's colour does not have is asked of the other one; where neither has it, it is a 404. */
export const assetFallback = {
  location: (settings: ResolvedSettings): string =>
    hasWeb(settings)
      ? `
proxy_intercept_errors on;
recursive_error_pages on;
# The server's own are not inherited beside another one.
error_page 404 = @other_assets;
error_page 429 /.gateway/429$page_suffix;
error_page 502 /.gateway/502$page_suffix;
error_page 503 /.gateway/503$page_suffix;
error_page 504 /.gateway/504$page_suffix;`
      : "",
  server: (settings: ResolvedSettings): string =>
    hasWeb(settings)
      ? `

    location @other_assets {
${indent(indent(hidden("Cache-Control")))}
        add_header Cache-Control $asset_cache_control always;
        proxy_intercept_errors on;
        recursive_error_pages on;
        error_page 502 503 504 = @no_asset;
        proxy_pass http://$other_assets;
    }

    location @no_asset {
        return 404;
    }`
      : "",
};

/** What a path below /slot/<colour>/ is passed on to at the control socket: as visitors of that colour would be. */
export function controlTarget(settings: ResolvedSettings, color: Color): string {
  if (!hasWeb(settings)) return `proxy_pass http://${color}/;`;
  return `rewrite ^/slot/${color}(/.*)$ $1 break;
        proxy_pass http://$${color}_part;`;
}
