import { chmod, mkdir } from "node:fs/promises";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";

import type { Peer } from "./containers.ts";
import { Containers } from "./containers.ts";
import { untilAnswers } from "./front.ts";

export const benchImage = "bluegreen-bench-tools";

const conf = `global
    maxconn 8192
    nbthread 2
    stats socket /run/haproxy/admin.sock mode 666 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 900s
    timeout tunnel 3600s
frontend visitors
    bind :8080
    use_backend %[str(live),map(/run/haproxy/live.map)]
backend blue
    server blue blue:8000
backend green
    server green green:8000
`;

async function command(socketPath: string, text: string): Promise<string> {
  const socket = net.connect(socketPath);
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  socket.write(`${text}\n`);
  await once(socket, "close");
  return answer.trim();
}

/** HAProxy with both colours up, flipped by one value over its runtime API: the best of the peers measured. */
export async function startHaproxy(): Promise<Peer> {
  const containers = await Containers.create("haproxy");
  await containers.startApplication("blue", "blue");
  await containers.startApplication("green", "green");
  const runFolder = path.join(containers.folder, "run");
  await mkdir(runFolder);
  await chmod(runFolder, 0o777);
  await containers.file("run/live.map", "live blue\n");
  const file = await containers.file("haproxy.cfg", conf);
  await containers.start(
    "front",
    [
      "--publish",
      `127.0.0.1:${containers.port}:8080`,
      "--volume",
      `${file}:/haproxy.cfg:ro`,
      "--volume",
      `${runFolder}:/run/haproxy`,
    ],
    benchImage,
    ["haproxy", "-f", "/haproxy.cfg"],
  );
  await untilAnswers(containers);
  const socket = path.join(runFolder, "admin.sock");
  return {
    name: "HAProxy runtime API",
    url: containers.url,
    flip: async (to) => {
      const answer = await command(socket, `set map /run/haproxy/live.map live ${to}`);
      if (answer !== "") throw new Error(`haproxy: ${answer}`);
    },
    remove: () => containers.remove(),
  };
}
