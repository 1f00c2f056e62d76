import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { z } from "zod";

import { freePort } from "./ports.ts";
import { runOk } from "./process.ts";

interface Blob {
  readonly file: string;
  readonly size: number;
  readonly mediaType: string;
}

const saved = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).length(1);
const config = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** What a registry was asked: whether with its credentials, and what it answered. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly status: number;
}

/**
 * A private registry on loopback that holds one image of this machine's engine, and shows it to nobody without the
 * credentials (basic auth, as registries speak it). Just what a pull asks for.
 */
export class Registry {
  readonly address: string;
  /** The image, by its digest. */
  readonly reference: string;
  readonly asked: Asked[] = [];
  #folder: string;
  #server: ReturnType<typeof createServer>;

  private constructor(
    address: string,
    reference: string,
    folder: string,
    server: ReturnType<typeof createServer>,
  ) {
    this.address = address;
    this.reference = reference;
    this.#folder = folder;
    this.#server = server;
  }

  static async serve(image: string, username: string, password: string): Promise<Registry> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "registry-"));
    await runOk("docker", ["save", "--output", path.join(folder, "image.tar"), image], {
      timeoutMs: 300_000,
    });
    await runOk("tar", ["-xf", path.join(folder, "image.tar"), "-C", folder]);
    await rm(path.join(folder, "image.tar"));
    const { manifest, blobs } = await manifestOf(folder);
    const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
    const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const server = createServer((request, response) => {
      const status = answer(request, response, { wanted, digest, manifest, blobs });
      registry.asked.push({ path: request.url ?? "", authorization: request.headers.authorization, status });
    });
    const registry = new Registry(address, `${address}/app-api@${digest}`, folder, server);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return registry;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Content {
  readonly wanted: string;
  readonly digest: string;
  readonly manifest: string;
  readonly blobs: ReadonlyMap<string, Blob>;
}

/** Answers one request; the status it gave. */
function answer(request: IncomingMessage, response: ServerResponse, content: Content): number {
  const { wanted, digest, manifest, blobs } = content;
  if (request.headers.authorization !== wanted) {
    response.writeHead(401, { "WWW-Authenticate": 'Basic realm="e2e"' }).end();
    return 401;
  }
  const send = (mediaType: string, size: number) =>
    response.writeHead(200, {
      "Content-Type": mediaType,
      "Content-Length": size,
      "Docker-Content-Digest": digest,
      "Docker-Distribution-Api-Version": "registry/2.0",
    });
  const url = request.url ?? "";
  const blob = blobs.get(url.replace("/v2/app-api/blobs/", ""));
  if (url === "/v2/") send("application/json", 2).end("{}");
  else if (url === `/v2/app-api/manifests/${digest}`) {
    send(MANIFEST, Buffer.byteLength(manifest)).end(request.method === "HEAD" ? undefined : manifest);
  } else if (blob !== undefined) {
    send(blob.mediaType, blob.size);
    if (request.method === "HEAD") response.end();
    else createReadStream(blob.file).pipe(response);
  } else {
    response.writeHead(404).end();
    return 404;
  }
  return 200;
}

/** A manifest over what `docker save` wrote; layers are sent as they lie there, which engines read too. */
async function manifestOf(folder: string): Promise<{ manifest: string; blobs: Map<string, Blob> }> {
  const read = (file: string) => readFile(path.join(folder, file), "utf8");
  const list: unknown = JSON.parse(await read("manifest.json"));
  const [entry] = saved.parse(list);
  assert.ok(entry);
  const configText = await read(entry.Config);
  const { rootfs } = config.parse(JSON.parse(configText));
  const blobs = new Map<string, Blob>();
  const describe = async (digest: string, file: string, mediaType: string) => {
    const { size } = await stat(path.join(folder, file));
    blobs.set(digest, { file: path.join(folder, file), size, mediaType: "application/octet-stream" });
    return { mediaType, size, digest };
  };
  const configDigest = `sha256:${createHash("sha256").update(configText).digest("hex")}`;
  const layers = [];
  for (const [i, file] of entry.Layers.entries())
    layers.push(await describe(rootfs.diff_ids[i] ?? "", file, LAYER));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: await describe(configDigest, entry.Config, CONFIG),
    layers,
  };
  return { manifest: JSON.stringify(manifest), blobs };
}
