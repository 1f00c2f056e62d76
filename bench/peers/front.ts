import { docker, run, until } from "../../test/support/process.ts";
import type { Containers } from "./containers.ts";

/** Nginx as most people run it in front of one application: nothing set that its manual does not make one set. */
export function frontConf(application: string): string {
  return `worker_processes 2;
pid /tmp/nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
    access_log off;
    resolver 127.0.0.11 valid=1s ipv6=off;
    upstream application {
        zone application 64k;
        server ${application}:8000 resolve;
        keepalive 32;
    }
    server {
        listen 8080;
        location / {
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass http://application;
        }
    }
}
`;
}

export async function startFront(containers: Containers, conf: string): Promise<void> {
  const file = await containers.file("front.conf", conf);
  const args = [
    "--publish",
    `127.0.0.1:${containers.port}:8080`,
    "--volume",
    `${containers.folder}:/conf:ro`,
  ];
  await containers.start("front", args, "nginx:1.30", [
    "nginx",
    "-c",
    `/conf/${file.split("/").pop() ?? ""}`,
    "-g",
    "daemon off;",
  ]);
  await untilAnswers(containers);
}

export async function reloadFront(containers: Containers): Promise<void> {
  await docker("exec", `${containers.prefix}-front`, "nginx", "-c", "/conf/front.conf", "-s", "reload");
}

export async function untilAnswers(containers: Containers): Promise<void> {
  await until(`${containers.url} answers`, async () => {
    const args = [
      "--silent",
      "--fail",
      "--max-time",
      "2",
      "--output",
      "/dev/null",
      `${containers.url}/version`,
    ];
    return (await run("curl", args)).code === 0;
  });
}
