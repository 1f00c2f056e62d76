import assert from "node:assert/strict";
import { onPorts, portsOf } from "../../../bench/throughput.ts";
import { gatewayFiles } from "../../../components/gateway/nginx.ts";

describe("a gateway on the host's network", () => {
  it("shares no port with another one, and passes on to its own", () => {
    const app = "127.0.0.1:7000";
    const conf = gatewayFiles({ upstreams: { blue: app, green: app } })
      .map(({ content }) => content)
      .join("\n");
    const ports = new Map(portsOf(conf).map((port, index) => [port, 20_000 + index]));
    assert.ok(ports.has("8080") && ports.has("8086") && ports.has("9145"), [...ports.keys()].join());
    const moved = onPorts(conf, ports);
    assert.deepEqual(new Set(portsOf(moved).map(Number)), new Set(ports.values()));
    const asked = new Set([...moved.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)));
    assert.deepEqual(asked, new Set([7000, ...ports.values()]));
    assert.doesNotMatch(moved, /listen \d+;/);
  });
});
