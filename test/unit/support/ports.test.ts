import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import net from "node:net";
import { once } from "node:events";
import { Running } from "../../support/process.ts";
import { freePort } from "../../support/ports.ts";

const module = new URL("../../support/ports.ts", import.meta.url).href;
const three = `import { freePort } from ${JSON.stringify(module)};
const ports = [await freePort(), await freePort(), await freePort()];
process.stdout.write(JSON.stringify(ports));
setInterval(() => undefined, 1000);`;

describe("a free port", () => {
  it("is none that the kernel gives to a connection", async () => {
    const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const first = Number(range.split(/\s+/)[0]);
    assert.ok((await freePort()) < first, `the kernel's begin at ${first}`);
  });

  it("is given once, to one of the processes that ask at the same time", async () => {
    const asked = [1, 2, 3].map(
      () => new Running(process.execPath, ["--input-type=module", "--eval", three]),
    );
    // All of them have their ports before one of them ends.
    for (const running of asked) await running.printed(/\]/);
    for (const running of asked) running.kill();
    const ports = asked.flatMap(({ output }) => [...output.matchAll(/\d+/g)].map(String));
    assert.equal(ports.length, 9);
    assert.equal(new Set(ports).size, 9, ports.join(" "));
  });

  it("is passed over while somebody listens there", async () => {
    const port = await freePort();
    const server = net.createServer().listen(port + 1, "127.0.0.1");
    await once(server, "listening");
    assert.notEqual(await freePort(), port + 1);
    server.close();
    await once(server, "close");
  });
});
