import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import type { Color } from "../../test/support/load/load.ts";
import { docker, run, until } from "../../test/support/process.ts";
import { freePort } from "../../test/support/ports.ts";

/** What people use today to change between two versions behind one port. */
export interface Peer {
  readonly name: string;
  readonly url: string;
  /** Sends visitors to `to`; resolves when the tool says that it is done. */
  readonly flip: (to: Color) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** A handful of containers on a network of their own, removed together. */
export class Containers {
  readonly prefix: string;
  readonly folder: string;
  readonly port: number;

  private constructor(prefix: string, folder: string, port: number) {
    this.prefix = prefix;
    this.folder = folder;
    this.port = port;
  }

  static async create(purpose: string): Promise<Containers> {
    await removeLeftovers(`load-${purpose}-`);
    const prefix = `load-${purpose}-${randomBytes(3).toString("hex")}`;
    const folder = await mkdtemp(path.join(os.tmpdir(), `${prefix}-`));
    await chmod(folder, 0o755);
    await docker("network", "create", prefix);
    return new Containers(prefix, folder, await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async file(name: string, content: string): Promise<string> {
    const file = path.join(this.folder, name);
    await writeFile(file, content);
    return file;
  }

  /** Starts `<prefix>-<name>`, reachable as `name` by the others. */
  async start(
    name: string,
    args: readonly string[],
    image: string,
    command: readonly string[] = [],
  ): Promise<void> {
    const common = [
      "--detach",
      "--name",
      `${this.prefix}-${name}`,
      "--network",
      this.prefix,
      "--network-alias",
      name,
    ];
    await docker("run", ...common, ...args, image, ...command);
  }

  /** An application of one colour that answers at once, and `/slow` not at all. */
  async startApplication(name: string, color: Color): Promise<void> {
    const conf = await this.file(`${name}-${color}.conf`, applicationConf(color));
    await this.start(name, ["--volume", `${conf}:/etc/nginx/nginx.conf:ro`], "nginx:1.30");
    const container = `${this.prefix}-${name}`;
    await until(`${container} answers`, async () => {
      const curl = ["curl", "--silent", "--fail", "--output", "/dev/null", "http://127.0.0.1:8000/version"];
      return (await run("docker", ["exec", container, ...curl])).code === 0;
    });
  }

  async remove(): Promise<void> {
    await removeLeftovers(this.prefix);
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function removeLeftovers(prefix: string): Promise<void> {
  const lines = (text: string): string[] => text.split("\n").filter((line) => line.startsWith(prefix));
  const containers = lines(await docker("ps", "--all", "--format", "{{.Names}}"));
  if (containers.length > 0) await docker("rm", "--force", "--volumes", ...containers);
  const networks = lines(await docker("network", "ls", "--format", "{{.Name}}"));
  if (networks.length > 0) await docker("network", "rm", ...networks);
}

/** Nginx as the application: answers as the sample does, with next to no work of its own. */
export function applicationConf(color: Color, listen = "8000", delayMs = 0): string {
  const answer = `'{"color":"${color}","release":"1"}'`;
  const location =
    delayMs === 0
      ? `return 200 ${answer};`
      : `js_content application.late; set $delay ${delayMs}; set $answer ${answer};`;
  return `${delayMs === 0 ? "" : "load_module /usr/lib/nginx/modules/ngx_http_js_module.so;"}
worker_processes 1;
pid /tmp/application-${color}.pid;
error_log stderr;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    ${delayMs === 0 ? "" : "js_import application from /etc/nginx/bench/application.js;"}
    server {
        listen ${listen};
        default_type application/json;
        add_header X-Color ${color};
        add_header X-Release 1;
        location / { ${location} }
    }
}
`;
}
