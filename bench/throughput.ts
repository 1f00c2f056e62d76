import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { gatewayFiles } from "../components/gateway/nginx.ts";
import { freePort } from "../test/support/ports.ts";
import { docker, run, until } from "../test/support/process.ts";
import { Containers, applicationConf } from "./peers/containers.ts";
import { frontConf } from "./peers/front.ts";
import { benchImage } from "./peers/haproxy.ts";

export interface Throughput {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

export interface GatewayThroughput {
  readonly direct: Throughput;
  readonly plain: Throughput;
  readonly ours: Throughput;
  /** The gateway's own configuration with constants in the place of its scripts: what choosing and counting cost. */
  readonly scriptless: Throughput;
}

const seconds = 6;
const rounds = 3;

/** One run of wrk, in a container on `network`. */
export async function wrk(network: string, url: string, connections: number): Promise<Throughput> {
  const args = [
    "--threads",
    "1",
    "--connections",
    String(connections),
    "--duration",
    `${seconds}s`,
    "--latency",
    url,
  ];
  const text = await docker("run", "--rm", "--network", network, benchImage, "wrk", ...args);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  const factor = { us: 0.001, ms: 1, s: 1000 }[unit ?? ""];
  if (Number.isNaN(rate) || factor === undefined) throw new Error(`wrk printed no figures:\n${text}`);
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`wrk met errors:\n${text}`);
  return { requestsPerSecond: rate, p99Ms: Number(p99) * factor };
}

function medianOf(runs: readonly Throughput[]): Throughput {
  const sorted = [...runs].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("no runs");
  return middle;
}

/**
 * An application that answers after `delayMs`: directly, through plain Nginx, through this project's gateway. All on the
 * host's network, so that only Nginx is compared; the rounds alternate, so that a busy moment hits all alike.
 */
export async function measureGateway(delayMs: number): Promise<GatewayThroughput> {
  const containers = await Containers.create("throughput");
  try {
    const [app, plain] = [await freePort(), await freePort()];
    const [ours, scriptless] = [await freePort(), await freePort()];
    await containers.file(
      "application.js",
      "function late(r) { setTimeout(() => r.return(200, r.variables.answer), Number(r.variables.delay)); }\nexport default { late };\n",
    );
    await startOnHost(containers, "app", applicationConf("blue", `127.0.0.1:${app}`, delayMs));
    const plainConf = frontConf("127.0.0.1")
      .replace("127.0.0.1:8000 resolve", `127.0.0.1:${app}`)
      .replace("listen 8080", `listen 127.0.0.1:${plain}`)
      // As the official image logs; the gateway logs each request too.
      .replace("access_log off;", "access_log /dev/stdout combined;");
    await startOnHost(containers, "plain", plainConf);
    await startOurs(containers, "ours", { app, ours });
    await startOurs(containers, "scriptless", { app, ours: scriptless }, withoutScripts);
    const targets = { direct: app, plain, ours, scriptless };
    const runs: Record<keyof typeof targets, Throughput[]> = {
      direct: [],
      plain: [],
      ours: [],
      scriptless: [],
    };
    for (const port of Object.values(targets)) {
      await until(`Nginx answers on port ${port}`, async () => {
        const url = `http://127.0.0.1:${port}/version`;
        return (
          (await run("curl", ["--fail", "--silent", "--max-time", "2", "--output", "/dev/null", url]))
            .code === 0
        );
      });
    }
    for (let round = 0; round < rounds; round++) {
      for (const name of ["direct", "plain", "ours", "scriptless"] as const) {
        runs[name].push(await wrk("host", `http://127.0.0.1:${targets[name]}/version`, 64));
      }
    }
    return {
      direct: medianOf(runs.direct),
      plain: medianOf(runs.plain),
      ours: medianOf(runs.ours),
      scriptless: medianOf(runs.scriptless),
    };
  } finally {
    await containers.remove();
  }
}

async function startOnHost(containers: Containers, name: string, conf: string): Promise<void> {
  await containers.file(`${name}.conf`, conf);
  await runOnHost(
    containers,
    name,
    ["--volume", `${containers.folder}:/etc/nginx/bench:ro`],
    `/etc/nginx/bench/${name}.conf`,
  );
}

async function runOnHost(
  containers: Containers,
  name: string,
  args: readonly string[],
  conf: string,
): Promise<void> {
  const common = ["--detach", "--name", `${containers.prefix}-${name}`, "--network", "host"];
  await docker("run", ...common, ...args, "nginx:1.30", "nginx", "-c", conf, "-g", "daemon off;");
}

/** The ports that a configuration listens on inside its own network. */
export function portsOf(conf: string): readonly string[] {
  return [...conf.matchAll(/listen (?:127\.0\.0\.1:)?(\d+);/g)].flatMap(([, port]) => port ?? []);
}

/** The same configuration on other ports, all on loopback: on the host's network several gateways share one. */
export function onPorts(conf: string, ports: ReadonlyMap<string, number>): string {
  return conf
    .replaceAll(/listen (?=\d+;)/g, "listen 127.0.0.1:")
    .replaceAll(/(?<=127\.0\.0\.1:)\d+/g, (port) => String(ports.get(port) ?? port));
}

/** Each variable that a script computes becomes a constant: the live colour as it would be, nothing counted. */
function withoutScripts(conf: string): string {
  return conf.replaceAll(
    /js_set \$(\w+) gateway\.\w+;/g,
    (_, name: string) => `map "" $${name} { default "${name === "now" ? "0 blue 1 1" : ""}"; }`,
  );
}

async function startOurs(
  containers: Containers,
  name: string,
  ports: { app: number; ours: number },
  change: (conf: string) => string = (conf) => conf,
): Promise<void> {
  const upstream = `127.0.0.1:${ports.app}`;
  const files = gatewayFiles({ upstreams: { blue: upstream, green: upstream } });
  const own = new Map([["8080", ports.ours]]);
  for (const port of files.flatMap(({ content }) => portsOf(content)))
    if (!own.has(port)) own.set(port, await freePort());
  for (const file of files) {
    const target = path.join(containers.folder, name, file.path);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, onPorts(change(file.content), own));
  }
  const start = "live blue\ncanary 0\nrelease.blue 1\nrelease.green 1\n";
  await writeFile(path.join(containers.folder, name, "start"), start);
  await runOnHost(
    containers,
    name,
    ["--volume", `${containers.folder}/${name}:/etc/bluegreen:ro`, "--tmpfs", "/run/bluegreen"],
    "/etc/bluegreen/nginx.conf",
  );
}
