// The gateway's configuration as a pure function of its settings. Which colour is live is *not* a setting: it is a
// value in a dictionary (see route.js), so no flip ever changes this text.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { BundleFile } from "../host/bundle.ts";
import { compression, connections, logging } from "./conf/connections.ts";
import { asideServer, asideVariables } from "./conf/aside.ts";
import { scripting, upstreams, variables } from "./conf/routing.ts";
import { controlServer, emptyServer, meanwhile, metricsServer, publicServer } from "./conf/servers.ts";
import { realAddress } from "./conf/tls.ts";
import { webVariables } from "./conf/web.ts";
import { CONF_DIR, HASH_PLACEHOLDER, PAGES, indent } from "./error-pages.ts";
import { defaults, checkSettings } from "./settings.ts";
import type { GatewaySettings, ResolvedSettings } from "./settings.ts";

export { CONF_DIR };

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/**
 * nginx.conf, ready to be installed. The text carries the hash of everything it belongs with (itself, route.js, pages);
 * `GET /state` on the control socket answers that hash, which proves which configuration serves.
 */
export function renderNginx(settings: GatewaySettings): string {
  const files = companions(settings);
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
    ...companions(settings).map(({ path, content }) => ({ path: `${folder}/${path}`, content })),
    { path: "nginx.conf", content: renderNginx(settings) },
  ];
}

function companions(settings: GatewaySettings): readonly BundleFile[] {
  return [
    { path: "route.js", content: read("njs/route.js") },
    { path: "control.js", content: read("njs/control.js") },
    { path: "aside.js", content: read("njs/aside.js") },
    { path: "metrics.js", content: read("njs/metrics.js") },
    ...PAGES.map((page) => ({ path: `pages/${page}`, content: read(`pages/${page}`) })),
    { path: "pages/maintenance.html", content: settings.maintenancePage ?? read("pages/maintenance.html") },
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

${indent(variables(settings) + webVariables(settings) + asideVariables(settings))}

${indent(logging())}

${indent([connections(settings), realAddress(settings)].filter(Boolean).join("\n"))}

${indent(compression(settings))}

${indent(publicServer(settings))}

${indent(emptyServer(settings))}

${indent(asideServer())}

${indent(meanwhile(settings))}

${indent(metricsServer())}

${indent(controlServer(settings))}
}
`;
}
