import { chmod, mkdir, writeFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

import { gatewayFiles } from "../../components/gateway/nginx.ts";
import { docker } from "../../test/support/process.ts";
import type { Peer } from "./containers.ts";
import { Containers } from "./containers.ts";
import { untilAnswers } from "./front.ts";

export interface Ours extends Peer {
  /** Memory of the gateway's container, bytes, page cache not counted. */
  readonly memoryBytes: () => Promise<number>;
}

/** This project's gateway, from the configuration that a stack's is made of, in front of the same applications as the peers. */
export async function startOurs(): Promise<Ours> {
  const containers = await Containers.create("ours");
  await containers.startApplication("blue", "blue");
  await containers.startApplication("green", "green");
  const conf = path.join(containers.folder, "conf");
  const runFolder = path.join(containers.folder, "run");
  await mkdir(runFolder);
  await chmod(runFolder, 0o777);
  for (const file of gatewayFiles({ upstreams: { blue: "blue:8000", green: "green:8000" } })) {
    await mkdir(path.dirname(path.join(conf, file.path)), { recursive: true });
    await writeFile(path.join(conf, file.path), file.content);
  }
  await writeFile(path.join(conf, "start"), "live blue\ncanary 0\nrelease.blue 1\nrelease.green 1\n");
  const volumes = ["--volume", `${conf}:/etc/bluegreen:ro`, "--volume", `${runFolder}:/run/bluegreen`];
  const args = [
    "--publish",
    `127.0.0.1:${containers.port}:8080`,
    "--memory",
    "64m",
    "--user",
    "101:101",
    ...volumes,
  ];
  await containers.start("front", args, "nginx:1.30", [
    "nginx",
    "-c",
    "/etc/bluegreen/nginx.conf",
    "-g",
    "daemon off;",
  ]);
  await untilAnswers(containers);
  const socket = path.join(runFolder, "control.sock");
  return {
    name: "this project",
    url: containers.url,
    // Straight to the control socket, as HAProxy is told; what a process around it costs, the stack's own figures show.
    flip: (to) => put(socket, `/state?live=${to}`),
    memoryBytes: () => containerMemoryBytes(`${containers.prefix}-front`),
    remove: () => containers.remove(),
  };
}

function put(socketPath: string, target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method: "PUT", path: target }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`PUT ${target}: ${response.statusCode ?? 0}`));
      });
    });
    request.on("error", reject);
    request.end();
  });
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** As `docker stats` counts it. */
export async function containerMemoryBytes(container: string): Promise<number> {
  const text = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container);
  const [, number, unit] = /^([\d.]+)([KMG]?i?B)/.exec(text) ?? [];
  const factor = units[unit ?? ""];
  if (number === undefined || factor === undefined)
    throw new Error(`docker stats of ${container}: got ${text}`);
  return Number(number) * factor;
}
