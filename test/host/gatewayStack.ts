import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { gatewayFiles } from "../../components/gateway/nginx.ts";
import type { GatewaySettings } from "../../components/gateway/settings.ts";
import { renderBundle } from "../../components/host/bundle.ts";
import { type Options, type Result, Running, docker, run, runOk, until } from "../support/process.ts";
import { freePort } from "../support/ports.ts";
import { installScripts } from "../support/host-scripts.ts";

export type Color = "blue" | "green";
export const colors: readonly Color[] = ["blue", "green"];
export const idle = (color: Color): Color => (color === "blue" ? "green" : "blue");

const here = fileURLToPath(new URL(".", import.meta.url));
/** Asks for a WebSocket that answers what it gets. */
export const UPGRADE =
  "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

export const GATEWAY_IMAGE = "nginx:1.30";
const APP_IMAGE = "python:3.14-slim";

/** A host directory with the real scripts, the real gateway container and two small applications behind it. */
export class GatewayStack {
  readonly directory: string;
  readonly name: string;
  readonly port: number;
  appImage = "";
  #tls: boolean;

  private constructor(directory: string, port: number, tls: boolean) {
    this.#tls = tls;
    this.directory = directory;
    this.name = path.basename(directory);
    this.port = port;
  }

  /** `prepare` runs when the scripts are there, before the gateway's configuration is. */
  static async make(
    settings: Partial<GatewaySettings> = {},
    prepare: (stack: GatewayStack) => Promise<void> = () => Promise.resolve(),
  ): Promise<GatewayStack> {
    const directory = await mkdtemp(path.join(os.tmpdir(), "gateway-test-"));
    const stack = new GatewayStack(directory, await freePort(), settings.tls !== undefined);
    try {
      await stack.#fill(settings, prepare);
    } catch (error) {
      await stack.remove();
      throw error;
    }
    return stack;
  }

  async #fill(
    settings: Partial<GatewaySettings>,
    prepare: (stack: GatewayStack) => Promise<void>,
  ): Promise<void> {
    await installScripts(this.directory);
    this.appImage = await docker("image", "inspect", "--format", "{{.Id}}", APP_IMAGE);
    await docker("network", "create", this.name);
    await prepare(this);
    const [applied] = await Promise.all([
      this.apply(settings),
      ...colors.map((color) => this.startApp(color)),
    ]);
    if (applied.code !== 0) throw new Error(applied.output);
    await this.startGateway();
  }

  at(...parts: string[]): string {
    return path.join(this.directory, ...parts);
  }

  container(what: string): string {
    return `${this.name}-${what}`;
  }

  url(where = "/"): string {
    return `${this.#tls ? "https" : "http"}://127.0.0.1:${this.port}${where}`;
  }

  settings(changes: Partial<GatewaySettings> = {}): GatewaySettings {
    return {
      upstreams: { blue: `${this.container("blue")}:8000`, green: `${this.container("green")}:8000` },
      ...changes,
    };
  }

  /** Applies the settings; where the gateway took them, only workers that have them answer afterwards. */
  async apply(settings: Partial<GatewaySettings> = {}): Promise<Result> {
    const result = await this.applyText(renderBundle(gatewayFiles(this.settings(settings))));
    const wanted = /^config (\w+)$/m.exec(result.stdout)?.[1];
    if (result.code !== 0 || wanted === undefined || / installed; /.test(result.stderr)) return result;
    // An old worker may accept one more connection after the first answer of a new one.
    let answers = 0;
    await until("the old workers are out", async () => {
      answers = (await this.value("/state", "config")) === wanted ? answers + 1 : 0;
      return answers === 5;
    });
    return result;
  }

  async applyText(input: string): Promise<Result> {
    const args = [this.directory, this.container("gateway"), GATEWAY_IMAGE];
    return await run(this.at("bin/gateway-apply.sh"), args, { input });
  }

  async startApp(color: Color, release = color === "blue" ? "1" : "2"): Promise<void> {
    // The file /tmp/sick makes it unhealthy.
    const health = [
      "--health-cmd",
      "test ! -e /tmp/sick",
      "--health-interval",
      "0.5s",
      "--health-retries",
      "1",
    ];
    const labels = ["--label", `bluegreen.release=${release}`, "--label", "bluegreen.settings=c0ffee"];
    const mount = ["--volume", `${here}backend.py:/backend.py:ro`];
    const how = ["--detach", "--init", "--name", this.container(color), "--network", this.name];
    await docker("run", ...how, ...health, ...labels, ...mount, APP_IMAGE, "python", "/backend.py", color);
  }

  async startGateway(): Promise<void> {
    const command =
      "rm -f /run/bluegreen/control.sock && exec nginx -c /etc/bluegreen/nginx.conf -g 'daemon off;'";
    const how = [
      "--detach",
      "--name",
      this.container("gateway"),
      "--network",
      this.name,
      "--user",
      "101:101",
    ];
    const locked = [
      "--cap-drop",
      "ALL",
      "--security-opt",
      "no-new-privileges",
      "--read-only",
      "--tmpfs",
      "/tmp",
    ];
    const inside = this.#tls ? 8443 : 8080;
    const ports = ["--publish", `127.0.0.1:${this.port}:${inside}`, "--restart", "unless-stopped"];
    const tls = this.#tls ? ["--volume", `${this.at("tls/served")}:/etc/bluegreen-tls:ro`] : [];
    const conf = ["--volume", `${this.at("gateway/conf")}:/etc/bluegreen:ro`];
    const socket = ["--volume", `${this.at("gateway/run")}:/run/bluegreen`];
    await docker(
      "run",
      ...how,
      ...locked,
      ...ports,
      ...conf,
      ...socket,
      ...tls,
      GATEWAY_IMAGE,
      "sh",
      "-c",
      command,
    );
    await this.untilServing();
  }

  /** Makes the container anew, as `up` does where an edge was turned on or off. */
  async replaceGateway(tls: boolean): Promise<void> {
    await docker("rm", "--force", this.container("gateway"));
    this.#tls = tls;
    await this.startGateway();
  }

  async untilServing(): Promise<void> {
    await until("the gateway answers", async () => {
      const [control, outside] = await Promise.all([
        this.control("/state"),
        this.#tls ||
          fetch(this.url("/healthz"))
            .then((answer) => answer.ok)
            .catch(() => false),
      ]);
      return control.startsWith("live ") && outside;
    });
  }

  /** What the control socket answers; "" when it does not. */
  async control(where: string, method = "GET"): Promise<string> {
    const socket = ["--unix-socket", this.at("gateway/run/control.sock")];
    return (await run("curl", ["-s", "-m", "5", "-X", method, ...socket, `http://gateway${where}`])).stdout;
  }

  async value(where: string, key: string): Promise<string> {
    return new Map((await this.control(where)).split("\n").map((line) => splitOnce(line))).get(key) ?? "";
  }

  async live(): Promise<string> {
    return await this.value("/state", "live");
  }

  /** The colour that the start file names. */
  async start(): Promise<string> {
    return /^live (\w+)$/m.exec(await readFile(this.at("gateway/conf/start"), "utf8"))?.[1] ?? "";
  }

  /** `maintenance` is the Retry-After of it, in seconds. */
  async setState(live: Color | "none", canary = 0, maintenance?: number): Promise<void> {
    const text = `live ${live}\ncanary ${canary}\nrelease.blue 1\nrelease.green 2\n`;
    const line = maintenance === undefined ? "" : `maintenance ${maintenance}\n`;
    await writeFile(this.at("gateway/conf/start"), text + line);
    const query = text.replaceAll(" ", "=").replaceAll("\n", "&");
    await this.control(`/state?${query}maintenance=${maintenance ?? "off"}`, "PUT");
    await rm(this.at("gateway/unfinished"), { force: true });
  }

  plan(target: Color, changes: Readonly<Record<string, string | number>> = {}): string {
    const runs = (color: Color) => `${this.container(color)} ${this.appImage} ${color === "blue" ? 1 : 2}`;
    const values = {
      target,
      canary: 0,
      "release.blue": 1,
      "release.green": 2,
      container: runs(target),
      ...(Number(changes["canary"] ?? 0) > 0 && { canaryContainer: runs(idle(target)) }),
      smoke: "path=/health&status=200&timeout=2&json=%7B%22services.database.status%22%3A%22up%22%7D",
      public: this.url("/"),
      bakeSeconds: 0,
      maxErrorPercent: 5,
      minRequests: 5,
      healthWaitSeconds: 10,
      smokeWaitSeconds: 3,
      proofWaitSeconds: 3,
      lockWaitSeconds: 10,
      ...changes,
    };
    return Object.entries(values)
      .map(([key, value]) => `${key} ${value}\n`)
      .join("");
  }

  switching(plan: string, options: Options = {}): Running {
    return new Running(this.at("bin/switch.sh"), [this.directory], { ...options, input: plan });
  }

  async switch(plan: string): Promise<Result> {
    return await this.switching(plan).done;
  }

  async guard(color: Color, drainSeconds = 5): Promise<Result> {
    return await run(this.at("bin/guard.sh"), [
      this.directory,
      color,
      String(drainSeconds),
      this.container(color),
    ]);
  }

  async remove(): Promise<void> {
    await run("docker", [
      "rm",
      "--force",
      "--volumes",
      ...["gateway", ...colors].map((what) => this.container(what)),
    ]);
    await run("docker", ["network", "rm", this.name]);
    await rm(this.directory, { recursive: true, force: true });
  }
}

function splitOnce(line: string): [string, string] {
  const cut = line.indexOf(" ");
  return [line.slice(0, cut), line.slice(cut + 1)];
}

/** Reads what a raw TCP conversation answers until `enough` matches. */
export async function converse(
  port: number,
  text: string,
  enough: RegExp,
): Promise<{ socket: net.Socket; got: string }> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(text);
  return { socket, got: await reading(socket, enough) };
}

export async function reading(socket: net.Socket, enough: RegExp): Promise<string> {
  let got = "";
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${enough} did not come in 5 s, but: ${got}`));
    }, 5000);
    const take = (chunk: Buffer): void => {
      got += chunk.toString("latin1");
      if (!enough.test(got)) return;
      clearTimeout(timer);
      socket.off("data", take);
      resolve(got);
    };
    socket.on("data", take);
    socket.once("close", () => {
      clearTimeout(timer);
      reject(new Error(`closed before ${enough}: ${got}`));
    });
  });
}

export { run, runOk };
