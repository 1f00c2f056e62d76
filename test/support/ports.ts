import { once } from "node:events";
import net from "node:net";

// Below the range that the kernel takes outgoing connections' ports from (32768 to 60999): one of those that is free now may be
// a connection's a moment later, and a container is published seconds after its port was chosen.
const FIRST = 20_000;
const BANDS = 120;
const BAND = 100;

let mine: Promise<number> | undefined;
let given = 0;

async function listens(port: number): Promise<net.Server | undefined> {
  const server = net.createServer();
  const listening = once(server, "listening");
  server.listen(port, "127.0.0.1");
  return await listening.then(
    () => server,
    () => undefined,
  );
}

/** A band of ports that no other process of these tests has: its first port is held as long as this process lives. */
async function claimBand(): Promise<number> {
  for (let tried = 0; tried < BANDS; tried++) {
    const first = FIRST + BAND * ((process.pid + tried) % BANDS);
    const server = await listens(first);
    if (server === undefined) continue;
    server.unref();
    return first;
  }
  throw new Error(`all ports from ${FIRST} to ${FIRST + BAND * BANDS - 1} are in use`);
}

/** A port of 127.0.0.1 that nobody listens on, and that neither a connection nor another process of these tests will take. */
export async function freePort(): Promise<number> {
  mine ??= claimBand();
  const band = await mine;
  for (let tried = 1; tried < BAND; tried++) {
    const port = band + 1 + (given++ % (BAND - 1));
    const server = await listens(port);
    if (server === undefined) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error(`no port of ${band + 1} to ${band + BAND - 1} is free`);
}
