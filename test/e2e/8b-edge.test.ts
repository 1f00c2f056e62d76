import assert from "node:assert/strict";
import { readFile, readdir, rm } from "node:fs/promises";
import https from "node:https";
import path from "node:path";

import { freePort } from "../support/ports.ts";
import { docker } from "../support/process.ts";
import { Stack } from "../support/stack.ts";
import { sharedConfig, nothingToDo } from "./shared.ts";

describe("a stack with TLS of its own", function () {
  this.timeout(900_000);
  let stack: Stack;
  let port: number;
  const served = (...parts: string[]): string => path.join(stack.hostDirectory, "tls/served", ...parts);

  /** Asks as a visitor does who trusts this stack's certificate and nothing else. */
  const visit = async (agent?: https.Agent): Promise<{ status: number; color: string }> => {
    const ca = await readFile(served("current/server.crt"));
    return await new Promise((resolve, reject) => {
      const options = { ca, servername: "localhost", timeout: 10_000, agent: agent ?? false };
      const call = https.get(`https://127.0.0.1:${port}/version`, options, (answer) => {
        answer.resume();
        answer.on("error", reject);
        answer.on("end", () => {
          resolve({ status: answer.statusCode ?? 0, color: String(answer.headers["x-color"]) });
        });
      });
      call.on("timeout", () => call.destroy(new Error("no answer within 10 s")));
      call.on("error", reject);
    });
  };
  const changed = (changes: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(changes).filter(([what]) => what !== "same" && what !== "read"));
  const containers = async (): Promise<string> =>
    await docker(
      "inspect",
      "--format",
      "{{.Id}} {{.State.StartedAt}}",
      ...["api-blue", "api-green", "gateway", "postgres", "redis"].map((what) => stack.container(what)),
    );

  before(async () => {
    port = await freePort();
    stack = await Stack.create("edge", {
      ...(await sharedConfig()),
      edge: { kind: "self-signed", hostname: "localhost", port, address: "127.0.0.1", hsts: "short" },
    });
    await stack.upOk();
  });
  after(async () => {
    await stack.remove();
  });

  it("is reached over TLS alone, at the address that it prints", async () => {
    assert.equal((await stack.outputs())["url"], `https://localhost:${port}`);
    assert.deepEqual(await visit(), { status: 200, color: "blue" });
    await assert.rejects(fetch(stack.url), "the port of plain HTTP is closed");
  });

  it("has nothing to do afterwards", async () => {
    await nothingToDo(stack);
  });

  it("flips as ever: one resource, proven over TLS", async () => {
    const before = await containers();
    stack.set({ active: "green" });
    const up = await stack.upOk();
    assert.deepEqual(changed(up.changes), { update: 1 });
    assert.equal((await visit()).color, "green");
    assert.equal(await containers(), before);
  });

  it("gets a new certificate by the next up when the old one is gone, and loses no request meanwhile", async () => {
    const [before, old] = [await containers(), await readFile(served("current/server.crt"), "utf8")];
    for (const name of await readdir(served())) await rm(served(name), { recursive: true });
    let [over, requests] = [false, 0];
    const failures: string[] = [];
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const visits = [agent, undefined].map(async (one) => {
      while (!over) {
        // Whichever of the two certificates answers: what counts is that somebody does.
        const options = { rejectUnauthorized: false, agent: one ?? false, timeout: 10_000 } as const;
        await new Promise<void>((resolve) => {
          https
            .get(`https://127.0.0.1:${port}/version`, options, (answer) => {
              answer.resume();
              if (answer.statusCode !== 200) failures.push(String(answer.statusCode));
              answer.on("end", resolve);
            })
            .on("error", (error) => {
              failures.push(String(error));
              resolve();
            });
        });
        requests++;
      }
    });
    const up = await stack.upOk().finally(async () => {
      over = true;
      await Promise.all(visits);
      agent.destroy();
    });
    assert.deepEqual(changed(up.changes), { update: 1 }, "the certificate alone");
    assert.notEqual(await readFile(served("current/server.crt"), "utf8"), old);
    assert.deepEqual(await visit(), { status: 200, color: "green" });
    assert.ok(requests > 50, `${requests} requests`);
    assert.deepEqual(failures.slice(0, 20), [], `${failures.length} of ${requests} requests`);
    assert.equal(await containers(), before);
    await nothingToDo(stack);
  });

  it("is turned off and on again in a stack that runs, each by one up", async () => {
    const { edge } = stack.config;
    stack.set({ edge: undefined });
    await stack.upOk();
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-color"), "green");
    await nothingToDo(stack);
    stack.set({ edge });
    await stack.upOk();
    assert.deepEqual(await visit(), { status: 200, color: "green" });
    await assert.rejects(fetch(stack.url), "the port of plain HTTP is closed");
    await nothingToDo(stack);
  });
});
