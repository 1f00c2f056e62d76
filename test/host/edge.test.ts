import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import https from "node:https";
import tls from "node:tls";

import { CLOUDFLARE_IPV4 } from "../../components/edge/cloudflare-ranges.ts";
import { parseCertificate } from "../../components/edge/certificate-plan.ts";
import type { GatewaySettings } from "../../components/gateway/settings.ts";
import { parseSwitchReport } from "../../components/gateway/switch/switch-report.ts";
import { docker, run, runOk, until } from "../support/process.ts";
import { Authority, type Client, HOSTNAME, ask, certificates, clientOf, edgeStack } from "./edgeStack.ts";
import { GatewayStack, colors, reading } from "./gatewayStack.ts";

/** The engine's own networks: where the test's requests come from, as the gateway sees them. */
const NEIGHBOURS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** What a TLS handshake shows. */
async function handshake(
  stack: GatewayStack,
  options: tls.ConnectionOptions = {},
): Promise<tls.PeerCertificate> {
  return await new Promise((resolve, reject) => {
    const socket = tls.connect(
      { port: stack.port, host: "127.0.0.1", servername: HOSTNAME, rejectUnauthorized: false, ...options },
      () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

const plain = (fingerprint: string) => fingerprint.replaceAll(":", "").toLowerCase();

/** Who answers 403 with the gateway's own words has not been let in. */
async function refused(stack: GatewayStack, client?: Client): Promise<void> {
  const answer = await ask(stack, "/", { ...(client && { client }) });
  assert.equal(answer.status, 403);
  assert.match(answer.body, /403 Forbidden/);
  assert.equal(answer.headers["x-color"], undefined);
}

describe("a gateway with a certificate of its own", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  before(async () => {
    stack = await edgeStack({ tls: { clientCertificate: false } }, async (made) => {
      const { code, output } = await certificates(made, "self-signed", "1");
      assert.equal(code, 0, output);
    });
  });
  after(async () => {
    await stack.remove();
  });

  it("serves it, for its name, over TLS 1.2 and 1.3 and nothing older", async () => {
    const ca = await readFile(stack.at("tls/served/current/server.crt"));
    const answer = await ask(stack, "/", { ca, rejectUnauthorized: true });
    assert.deepEqual([answer.status, answer.body], [200, "blue"]);
    assert.equal(answer.headers["x-seen-proto"], "https");
    for (const version of ["TLSv1.2", "TLSv1.3"] as const)
      assert.ok(await handshake(stack, { minVersion: version, maxVersion: version }));
    // SECLEVEL=0, or this side would refuse by itself.
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await assert.rejects(handshake(stack, old), /alert protocol version|unsupported protocol/i);
  });

  it("says https to a slot that is tested out of visitors' sight, too", async () => {
    const socket = ["--unix-socket", stack.at("gateway/run/control.sock")];
    const how = ["-sS", "-m", "5", "-o", "/dev/null", "-D", "-"];
    const { stdout } = await runOk("curl", [...how, ...socket, "http://gateway/slot/blue/"]);
    assert.match(stdout, /^HTTP\/1\.1 200 /);
    assert.match(stdout, /^x-seen-proto: https\r$/im);
  });

  it("keeps its key from everybody but the gateway's user", async () => {
    const key = await stat(stack.at("tls/served/current/server.key"));
    assert.deepEqual([key.mode & 0o777, key.uid], process.getuid?.() === 0 ? [0o400, 101] : [0o444, key.uid]);
    assert.equal((await stat(stack.at("tls"))).mode & 0o777, 0o700);
  });

  it("takes its address from nobody's header", async () => {
    const answer = await ask(stack, "/", {
      headers: { "cf-connecting-ip": "198.51.100.7", "x-real-ip": "198.51.100.7" },
    });
    assert.notEqual(answer.headers["x-seen-address"], "198.51.100.7");
  });

  it("is renewed by the next label, and says until when", async () => {
    const before = await handshake(stack);
    const { code, stdout, output } = await certificates(stack, "self-signed", "2");
    assert.equal(code, 0, output);
    const { fingerprint, notAfter } = parseCertificate(stdout, 2);
    const now = await handshake(stack);
    assert.notEqual(now.fingerprint256, before.fingerprint256);
    assert.equal(plain(now.fingerprint256), fingerprint);
    assert.equal(Date.parse(notAfter), Date.parse(now.valid_to));
    assert.ok(Date.parse(notAfter) > Date.now() + 364 * 86_400_000);
  });

  it("is flipped and proven by the key that answers, not by a name", async () => {
    await untilHealthy(stack);
    const plan = (changes = {}) =>
      stack.plan("green", { public: `https://${HOSTNAME}/`, connect: `127.0.0.1:${stack.port}`, ...changes });
    const done = await stack.switch(plan());
    assert.equal(done.code, 0, done.output);
    assert.equal(parseSwitchReport(done.stdout).live, "green");
    // Another key than the one that answers: nothing that it says counts.
    const pub = stack.at("tls/served/current/server.pub");
    const right = await readFile(pub);
    try {
      await writeFile(
        pub,
        (await runOk("sh", ["-c", "openssl ecparam -name prime256v1 -genkey | openssl ec -pubout"])).stdout,
      );
      const failed = await stack.switch(
        stack.plan("blue", { public: `https://${HOSTNAME}/`, connect: `127.0.0.1:${stack.port}` }),
      );
      assert.equal(failed.code, 1, failed.output);
      assert.equal(await stack.live(), "green");
    } finally {
      await writeFile(pub, right);
      await rm(stack.at("gateway/unfinished"), { force: true });
      await stack.setState("blue");
    }
  });
});

describe("an edge that is turned on, and off again, in a stack that runs", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  before(async () => {
    stack = await GatewayStack.make();
    await stack.setState("green", 0);
    const { code, output } = await certificates(stack, "self-signed", "1");
    assert.equal(code, 0, output);
  });
  after(async () => {
    await stack.remove();
  });

  const overHttp = async () => await (await fetch(stack.url("/"))).text();
  const overTls = async () => (await ask(stack, "/")).body;

  /** Applied twice, as when an `up` was cut off: the container goes on as it was, and the next one has it. */
  async function waits(settings: Partial<GatewaySettings>, visit: () => Promise<string>): Promise<void> {
    const before = await stack.value("/state", "config");
    const { tls } = settings;
    let wanted = "";
    for (const time of ["first", "again"]) {
      const applied = await stack.apply(settings);
      assert.equal(applied.code, 0, applied.output);
      assert.match(applied.stderr, tls ? /does not publish its port 8443/ : /does not publish its port 8080/);
      assert.equal(await stack.value("/state", "config"), before, time);
      assert.equal(await visit(), "green", time);
      assert.ok(
        existsSync(stack.at("gateway/conf", before, "pages/502.html")),
        "what serves keeps its pages",
      );
      wanted = /^config (\w+)$/m.exec(applied.stdout)?.[1] ?? "";
      assert.notEqual(wanted, before);
    }
    await stack.replaceGateway(tls !== undefined);
    assert.equal(await stack.value("/state", "config"), wanted);
    assert.equal(await stack.live(), "green");
    const applied = await stack.apply(settings);
    assert.match(applied.stderr, /serves already/);
  }

  it("waits for the container that has its port and its certificate", async () => {
    await waits({ tls: { clientCertificate: false } }, overHttp);
    assert.equal(await overTls(), "green");
  });

  it("waits for it on the way back, too", async () => {
    await waits({}, overTls);
    assert.equal(await overHttp(), "green");
  });
});

async function untilHealthy(stack: GatewayStack): Promise<void> {
  await until("both applications are healthy", async () => {
    const states = colors.map((color) =>
      docker("inspect", "--format", "{{.State.Health.Status}}", stack.container(color)),
    );
    return (await Promise.all(states)).every((state) => state === "healthy");
  });
}

describe("a gateway that only its edge may reach", function () {
  this.timeout(600_000);
  let stack: GatewayStack;
  let authority: Authority;
  let edge: Client;
  const settings = {
    tls: { clientCertificate: true },
    realAddress: { header: "CF-Connecting-IP", from: NEIGHBOURS },
  };

  const issue = async (
    label: string,
    options: { days?: number; hostname?: string } = {},
  ): Promise<string> => {
    const { code, stdout, output } = await certificates(stack, "request", label);
    assert.equal(code, 0, output);
    return await authority.sign(stdout, options);
  };

  before(async () => {
    stack = await edgeStack(settings, async (made) => {
      stack = made;
      await mkdir(made.at("authority"));
      authority = new Authority(made.at("authority"));
      await authority.make();
      const clients = await certificates(made, "clients", "1");
      assert.equal(clients.code, 0, clients.output);
      edge = clientOf(clients);
      const installed = await certificates(made, "install", "1", await issue("1"));
      assert.equal(installed.code, 0, installed.output);
    });
  });
  after(async () => {
    await stack.remove();
  });

  it("lets the edge in, with what the origin's authority signed", async () => {
    const answer = await ask(stack, "/", {
      client: edge,
      ca: await authority.certificate,
      rejectUnauthorized: true,
    });
    assert.deepEqual([answer.status, answer.body], [200, "blue"]);
  });

  it("answers 403 to who shows no certificate, on every path", async () => {
    await refused(stack);
    for (const where of ["/healthz", "/static/app-8f3a2b1c.js", "/.gateway/403", "/state"])
      assert.equal((await ask(stack, where)).status, 403, where);
  });

  it("answers 403 to another authority's certificate, though it has the same names", async () => {
    const other = stack.at("other");
    await mkdir(`${other}/bin`, { recursive: true });
    await runOk("cp", ["-r", `${stack.at("bin")}/.`, `${other}/bin`]);
    const made = await runOk(`${other}/bin/certificates.sh`, [
      other,
      "clients",
      "1",
      HOSTNAME,
      "365",
      "none",
      "none",
    ]);
    await refused(stack, clientOf(made));
  });

  it("speaks no plain HTTP", async () => {
    const answer = await fetch(`http://127.0.0.1:${stack.port}/`);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /plain HTTP request was sent to HTTPS port/);
  });

  it("speaks HTTP/1.1 to whoever offers HTTP/2 too, because a reload would refuse requests of that", async () => {
    const socket = tls.connect({
      port: stack.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
      ...edge,
    });
    await once(socket, "secureConnect");
    assert.equal(socket.alpnProtocol, "http/1.1");
    socket.destroy();
  });

  it("carries a WebSocket through a renewal", async () => {
    const socket = tls.connect({ port: stack.port, host: "127.0.0.1", rejectUnauthorized: false, ...edge });
    socket.write(
      "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert.match(await reading(socket, /\r\n\r\n/), /^HTTP\/1.1 101 /);
    const installed = await certificates(stack, "install", "1b", await issue("1b"));
    assert.equal(installed.code, 0, installed.output);
    socket.write("ping");
    assert.equal(await reading(socket, /ping/), "ping");
    socket.destroy();
  });

  it("takes the visitor's address from the edge, and gives the application no other", async () => {
    const headers = {
      "cf-connecting-ip": "198.51.100.7",
      "x-real-ip": "203.0.113.9",
      "x-forwarded-for": "203.0.113.9",
    };
    const answer = await ask(stack, "/", { client: edge, headers });
    assert.equal(answer.headers["x-seen-address"], "198.51.100.7");
    assert.equal(answer.headers["x-seen-header"], "198.51.100.7");
  });

  it("ignores that header from anywhere but Cloudflare's ranges", async () => {
    const real = { header: "CF-Connecting-IP", from: [...CLOUDFLARE_IPV4] };
    assert.equal((await stack.apply({ ...settings, realAddress: real })).code, 0);
    try {
      const answer = await ask(stack, "/", { client: edge, headers: { "cf-connecting-ip": "198.51.100.7" } });
      assert.match(answer.headers["x-seen-address"] ?? "", /^(10|172|192)\./);
      assert.equal(answer.headers["x-seen-header"], answer.headers["x-seen-address"]);
    } finally {
      assert.equal((await stack.apply(settings)).code, 0);
    }
  });

  it("counts the rate for each visitor, not for the edge", async () => {
    assert.equal((await stack.apply({ ...settings, rate: { requestsPerSecond: 1, burst: 2 } })).code, 0);
    try {
      const from = (address: string) =>
        ask(stack, "/", { client: edge, headers: { "cf-connecting-ip": address } });
      const many = await Promise.all(Array.from({ length: 10 }, () => from("198.51.100.7")));
      assert.ok(
        many.filter(({ status }) => status === 429).length >= 5,
        JSON.stringify(many.map(({ status }) => status)),
      );
      assert.equal((await from("198.51.100.8")).status, 200);
    } finally {
      assert.equal((await stack.apply(settings)).code, 0);
    }
  });

  it("keeps hashed files for ever and says so to browsers only where TLS is settled", async () => {
    const hsts = { "Strict-Transport-Security": "max-age=300" };
    assert.equal((await ask(stack, "/", { client: edge })).headers["strict-transport-security"], undefined);
    assert.equal((await stack.apply({ ...settings, securityHeaders: hsts })).code, 0);
    try {
      const asset = await ask(stack, "/static/app-8f3a2b1c.js", { client: edge });
      assert.equal(asset.headers["strict-transport-security"], "max-age=300");
      assert.equal(asset.headers["cache-control"], "public, max-age=31536000, immutable");
    } finally {
      assert.equal((await stack.apply(settings)).code, 0);
    }
  });

  it("is flipped from the host itself, through the same check", async () => {
    await untilHealthy(stack);
    const plan = stack.plan("green", { public: `https://${HOSTNAME}/`, connect: `127.0.0.1:${stack.port}` });
    const done = await stack.switch(plan);
    assert.equal(done.code, 0, done.output);
    assert.match(done.stderr, /all answers from outside are green's/);
    // Without the host's own certificate the proof is refused as anybody is, and the flip is undone.
    await runOk("mv", [stack.at("tls/proof.pem"), stack.at("proof.pem")]);
    await runOk("sh", [
      "-c",
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/k" -out "$1/c" -subj /CN=x && cat "$1/k" "$1/c" >"$1/tls/proof.pem"',
      "sh",
      stack.directory,
    ]);
    try {
      const failed = await stack.switch(
        stack.plan("blue", { public: `https://${HOSTNAME}/`, connect: `127.0.0.1:${stack.port}` }),
      );
      assert.equal(failed.code, 1, failed.output);
      assert.match(failed.stderr, /none\/403/);
      assert.equal(await stack.live(), "green");
    } finally {
      await runOk("mv", [stack.at("proof.pem"), stack.at("tls/proof.pem")]);
      await rm(stack.at("gateway/unfinished"), { force: true });
      await stack.setState("blue");
    }
  });

  describe("a certificate that does not fit", () => {
    const stays = async (label: string, pem: string, sentence: RegExp): Promise<void> => {
      const before = await handshake(stack);
      const served = await readlink(stack.at("tls/served/current"));
      const { code, stderr, stdout } = await certificates(stack, "install", label, pem);
      assert.equal(code, 1, stderr);
      assert.match(stderr, sentence);
      assert.equal(stdout, "");
      assert.equal((await handshake(stack)).fingerprint256, before.fingerprint256);
      assert.equal(await readlink(stack.at("tls/served/current")), served);
      assert.ok(!(await readdir(stack.at("tls"))).some((name) => /^(new|candidate)\./.test(name)));
    };

    it("is refused when its key is another", async () => {
      const pem = await issue("20");
      await certificates(stack, "request", "21");
      await stays("21", pem, /not for the key 21 of this host/);
    });
    it("is refused when its key is gone and the one that serves is another", async () => {
      await stays("99", await issue("22"), /not for the key 99 of this host/);
    });
    it("is refused when it has expired", async () => {
      await stays("23", await issue("23", { days: -1 }), /has expired/);
    });
    it("is refused when it is for another name", async () => {
      await stays("24", await issue("24", { hostname: "app.example.org" }), /is not for app\.example\.com/);
    });
    it("is refused when it is none", async () => {
      await certificates(stack, "request", "25");
      await stays("25", "nonsense\n", /is no certificate/);
    });
    it("is refused when Nginx would not start with it", async () => {
      const conf = stack.at("gateway/conf/nginx.conf");
      const right = await readFile(conf, "utf8");
      await writeFile(conf, right.replace("ssl_session_tickets off;", "ssl_session_tickets maybe;"));
      try {
        await stays(
          "26",
          await issue("26"),
          /Nginx rejects the new certificate, the old one stays: .*"maybe"/s,
        );
      } finally {
        await writeFile(conf, right);
      }
    });
  });

  it("is renewed under load, with both client certificates, and loses no request", async () => {
    let [requests, over] = [0, false];
    const failures: string[] = [];
    const agent = new https.Agent({ keepAlive: true, maxSockets: 12 });
    const visit = async (what: string, one: () => Promise<number>): Promise<void> => {
      while (!over) {
        try {
          const status = await one();
          requests++;
          if (status !== 200 && status !== 201) failures.push(`${what}: ${status}`);
        } catch (error) {
          failures.push(`${what}: ${String(error)}`);
        }
      }
    };
    const statusOf = async (options: object) => (await ask(stack, "/x", { client: edge, ...options })).status;
    const visits = [
      ...Array.from({ length: 8 }, () => visit("kept", () => statusOf({ agent }))),
      ...Array.from({ length: 4 }, () => visit("post", () => statusOf({ agent, method: "POST" }))),
      ...Array.from({ length: 3 }, () => visit("new", () => statusOf({}))),
    ];
    const before = await handshake(stack);
    try {
      for (const label of ["2", "3", "4"]) {
        const made = await certificates(stack, "clients", label);
        assert.equal(made.code, 0, made.output);
        const next = clientOf(made);
        // Trusted before Cloudflare shows it, and the old one still is.
        assert.equal((await ask(stack, "/", { client: next })).status, 200);
        assert.equal((await ask(stack, "/", { client: edge })).status, 200);
        const installed = await certificates(stack, "install", label, await issue(label));
        assert.equal(installed.code, 0, installed.output);
        assert.equal(
          plain((await handshake(stack)).fingerprint256),
          parseCertificate(installed.stdout, 1).fingerprint,
        );
        edge = next;
      }
    } finally {
      over = true;
      await Promise.all(visits);
      agent.destroy();
    }
    assert.notEqual((await handshake(stack)).fingerprint256, before.fingerprint256);
    assert.ok(requests > 300, `${requests} requests`);
    // What Nginx itself says of a failure; a line of the access log is JSON.
    const log =
      failures.length === 0 ? "" : (await run("docker", ["logs", stack.container("gateway")])).output;
    const errors = log.split("\n").filter((line) => /^\d{4}\//.test(line));
    assert.deepEqual(
      failures.slice(0, 20),
      [],
      `${failures.length} of ${requests} requests\n${errors.slice(-20).join("\n")}`,
    );
  });

  it("is taken once more for the key that serves, when that key's own file is gone", async () => {
    const request = (await certificates(stack, "request", "8")).stdout;
    const first = await certificates(stack, "install", "8", await authority.sign(request));
    assert.equal(first.code, 0, first.output);
    await rm(stack.at("tls/keys"), { recursive: true });
    const again = await certificates(stack, "install", "8", await authority.sign(request));
    assert.equal(again.code, 0, again.output);
    assert.equal(
      plain((await handshake(stack)).fingerprint256),
      parseCertificate(again.stdout, 1).fingerprint,
    );
  });

  it("goes on trusting the certificate that the edge shows, when the same label makes another", async () => {
    const made: Client[] = [];
    for (const label of ["4a", "4a"]) made.push(clientOf(await certificates(stack, "clients", label)));
    for (const client of [edge, ...made]) assert.equal((await ask(stack, "/", { client })).status, 200);
    edge = made.at(-1) ?? edge;
  });

  it("forgets the client certificates before the last four", async () => {
    const first = edge;
    const made: Client[] = [];
    for (const label of ["5", "6", "7", "8"])
      made.push(clientOf(await certificates(stack, "clients", label)));
    await refused(stack, first);
    for (const client of made) assert.equal((await ask(stack, "/", { client })).status, 200);
    edge = made.at(-1) ?? edge;
  });

  it("puts the old one back when the gateway would not load the new one", async () => {
    const before = await handshake(stack);
    // Whatever should run in the gateway goes nowhere: no reload happens.
    const fake = stack.at("fake");
    await mkdir(fake);
    await writeFile(`${fake}/docker`, '#!/bin/sh\n[ "$1" = exec ] || exec /usr/local/bin/docker "$@"\n', {
      mode: 0o755,
    });
    const pem = await issue("7");
    const args = [stack.directory, "install", "7", HOSTNAME, stack.container("gateway"), "nginx:1.30"];
    const failed = await run(stack.at("bin/certificates.sh"), args, {
      input: pem,
      env: { ...process.env, PATH: `${fake}:${process.env["PATH"] ?? ""}` },
    });
    assert.equal(failed.code, 1, failed.output);
    assert.match(failed.stderr, /would not serve the new certificate .*, the old one is back/s);
    assert.equal(await readlink(stack.at("tls/served/current")), plain(before.fingerprint256));
    assert.ok(existsSync(stack.at("tls/served/current/server.key")));
    assert.equal((await handshake(stack)).fingerprint256, before.fingerprint256);
  });
});
