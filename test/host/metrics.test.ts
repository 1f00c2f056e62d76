import assert from "node:assert/strict";
import net from "node:net";

import { docker, runOk, until } from "../support/process.ts";
import { GatewayStack } from "./gatewayStack.ts";

/** Prometheus' own parser, as it comes with the sample: what it does not take is no metric. */
const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as families
print(json.dumps({s.name + "".join(f" {k}={v}" for k, v in sorted(s.labels.items())): s.value
                  for family in families(sys.stdin.read()) for s in family.samples}))
`;

describe("the gateway's own counts, for Prometheus", function () {
  this.timeout(600_000);
  let stack: GatewayStack;
  before(async () => {
    stack = await GatewayStack.make();
    await stack.setState("blue");
  });
  after(async () => {
    await stack.remove();
  });

  async function asked(): Promise<(name: string) => number | undefined> {
    const from = `http://${stack.container("gateway")}:9145/metrics`;
    const ask = `import urllib.request; print(urllib.request.urlopen("${from}").read().decode())`;
    const how = ["run", "--rm", "--network", stack.name, "--entrypoint", "python"];
    const text = await docker(...how, stack.appImage, "-c", ask);
    const parse = [
      "run",
      "--rm",
      "--interactive",
      "--entrypoint",
      "python",
      "bluegreen-sample-api:1",
      "-c",
      PARSE,
    ];
    const values: unknown = JSON.parse((await runOk("docker", parse, { input: `${text}\n` })).stdout);
    return (name) => {
      const value: unknown = Reflect.get(Object(values), `bluegreen_gateway_${name}`);
      return typeof value === "number" ? value : undefined;
    };
  }
  const requests = (): Promise<string> => stack.value("/counts", "blue.requests");

  it("says of each colour how many, how many failed and how long they took; who is live, with which release", async () => {
    const visit = () => fetch(stack.url()).then((answer) => answer.text());
    await visit();
    await visit();
    await docker("exec", stack.container("blue"), "touch", "/tmp/broken");
    await visit();
    await docker("exec", stack.container("blue"), "rm", "/tmp/broken");
    await until("all are counted", async () => (await requests()) === "3");
    const value = await asked();
    assert.deepEqual(
      ["requests_total", "errors_total", "open_requests", "response_seconds_count", "live"].map((name) =>
        ["blue", "green"].map((color) => value(`${name} color=${color}`)),
      ),
      [
        [3, 0],
        [1, 0],
        [0, 0],
        [3, 0],
        [1, 0],
      ],
    );
    assert.equal(value("release_info color=green release=2"), 1);
    assert.deepEqual([value("canary_percent"), value("maintenance")], [0, 0]);
    assert.equal(value("response_seconds_bucket color=blue le=+Inf"), 3);
    assert.ok((value("response_seconds_bucket color=blue le=32.768") ?? 0) <= 3);
  });

  it("follows a canary and maintenance, and is there for the host too", async () => {
    await stack.setState("green", 25, 600);
    const value = await asked();
    assert.deepEqual([value("live color=green"), value("canary_percent"), value("maintenance")], [1, 25, 1]);
    assert.match(await stack.control("/metrics"), /^bluegreen_gateway_live\{color="green"\} 1$/m);
    await stack.setState("blue");
  });

  it("is not published", async () => {
    assert.equal((await fetch(stack.url("/metrics"))).status, 404);
    const ports = await docker("port", stack.container("gateway"));
    assert.doesNotMatch(ports, /9145/);
  });

  it("counts who gave up on an application that hangs as a slow answer", async () => {
    const slow = async (): Promise<number> => {
      const value = await asked();
      const [all, quick] = ["+Inf", "0.256"].map((le) =>
        value(`response_seconds_bucket color=blue le=${le}`),
      );
      return (all ?? 0) - (quick ?? 0);
    };
    const before = await slow();
    const socket = net.connect(stack.port, "127.0.0.1");
    socket.write("GET /slow/20 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until("it is under way", async () => (await stack.value("/counts", "blue.open")) === "1");
    const began = performance.now();
    await until("it was waited for", () => performance.now() - began > 400);
    socket.destroy();
    await until("it is over", async () => (await stack.value("/counts", "blue.open")) === "0");
    assert.equal(await slow(), before + 1);
  });
});
