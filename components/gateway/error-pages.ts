// The gateway's own answers where no application gave one, and the names that these parts of nginx.conf share.
import type { ResolvedSettings } from "./settings.ts";

/** Where the gateway container sees the folder made of {@link gatewayFiles}. */
export const CONF_DIR = "/etc/bluegreen";

export const PAGES = ["502.html", "503.html", "504.html", "429.html", "bypass.html"] as const;
export const HASH_PLACEHOLDER = "@CONFIG_HASH@";

/** A page for a person and its JSON twin for a program; `error_page` picks by $page_suffix and keeps the status. */
function errorPage(
  status: number,
  message: string,
  retryAfterSeconds: number | "$retry_after",
  name: string = String(status),
): string {
  const headers = `internal;
    add_header Retry-After ${retryAfterSeconds} always;
    add_header Cache-Control no-store always;`;
  return `location = /.gateway/${name}.html {
    ${headers}
    charset utf-8;
    alias ${CONF_DIR}/${HASH_PLACEHOLDER}/pages/${name}.html;
}
location = /.gateway/${name}.json {
    ${headers}
    types { }
    default_type application/json;
    return 200 '{"error":"${message}","status":${status},"requestId":"$sane_request_id"}\\n';
}`;
}

export const noRelease = (settings: ResolvedSettings): string =>
  errorPage(503, "no release is live", settings.retryAfterSeconds);

export function errorPages(settings: ResolvedSettings): string {
  return [
    errorPage(429, "too many requests", 1),
    errorPage(502, "the application did not answer", settings.retryAfterSeconds),
    noRelease(settings),
    errorPage(504, "the application took too long to answer", settings.retryAfterSeconds),
    errorPage(503, "closed for maintenance", "$retry_after", "maintenance"),
  ].join("\n");
}

export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, "    ");
