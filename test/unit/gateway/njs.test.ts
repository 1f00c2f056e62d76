import assert from "node:assert/strict";
import fs from "node:fs";
import type { GatewayRequest } from "../../../components/gateway/njs/route.js";
import type { ControlRequest } from "../../../components/gateway/njs/control.js";

type Value = string | number;

/** njs's shared dictionary, as far as the modules use it. */
class FakeDictionary {
  readonly values = new Map<string, Value>();
  get(key: string): Value | undefined {
    return this.values.get(key);
  }
  set(key: string, value: Value): void {
    this.values.set(key, value);
  }
  add(key: string, value: Value): boolean {
    if (this.values.has(key)) return false;
    this.values.set(key, value);
    return true;
  }
  delete(key: string): boolean {
    return this.values.delete(key);
  }
  incr(key: string, step: number, initial: number): number {
    const next = Number(this.values.get(key) ?? initial) + step;
    this.values.set(key, next);
    return next;
  }
}

const shared = { state: new FakeDictionary(), counts: new FakeDictionary() };
const logged: string[] = [];
Object.assign(globalThis, { ngx: { shared, ERR: 4, log: (_: number, text: string) => logged.push(text) } });
const { default: gateway } = await import("../../../components/gateway/njs/route.js");
const { default: control } = await import("../../../components/gateway/njs/control.js");

const visitor = (variables: Record<string, string> = {}, status = 200): GatewayRequest => ({
  status,
  variables: { remote_addr: "10.0.0.1", upstream_header_time: "0.012", ...variables },
});

function ask(
  method: string,
  args: Record<string, string> = {},
  answer?: (uri: string, query: string) => Promise<{ status: number; responseText: string }>,
): ControlRequest & { status: number; text: string } {
  return {
    method,
    args,
    variables: { config_hash: "cafe" },
    headersOut: {},
    status: 0,
    text: "",
    return(status, text) {
      this.status = status;
      this.text = text;
    },
    subrequest: (uri, { args: query }) =>
      answer?.(uri, query) ?? Promise.reject(new Error("no subrequest expected")),
  };
}

describe("route.js", () => {
  const realRead = fs.readFileSync;
  let startFile: string | undefined;

  beforeEach(() => {
    shared.state.values.clear();
    shared.counts.values.clear();
    logged.length = 0;
    startFile = undefined;
    // @ts-expect-error: one of the overloads is enough here
    fs.readFileSync = (path: string) => {
      assert.equal(path, "/etc/bluegreen/start");
      if (startFile === undefined) throw Object.assign(new Error("not there"), { code: "ENOENT" });
      return startFile;
    };
  });
  afterEach(() => {
    fs.readFileSync = realRead;
  });

  it("says the state, and counts the request for the live colour", () => {
    shared.state.set("now", "0 green 41 42");
    assert.equal(gateway.now(), "0 green 41 42");
    assert.deepEqual([...shared.counts.values], [["g", 1]]);
  });

  it("says the state uncounted while a canary runs: which colour it will be is not known yet", () => {
    shared.state.set("now", "5 green 41 42");
    assert.equal(gateway.now(), "5 green 41 42");
    assert.equal(shared.counts.values.size, 0);
  });

  it("says color and release of a visitor while a canary runs, and counts", () => {
    shared.state.set("now", "5 green 41 42");
    const request = visitor({ cookie_bluegreen_bucket: "5" });
    assert.equal(gateway.route(request), "green");
    assert.equal(request.variables["color"], "green");
    assert.equal(request.variables["release"], "42");
    assert.equal(request.variables["canary_cookie"], undefined);
    assert.deepEqual([...shared.counts.values], [["g", 1]]);
  });

  it("answers none, silently and uncounted, while no colour has been live", () => {
    assert.equal(gateway.now(), "0 none none none");
    assert.equal(gateway.route(visitor()), "none");
    assert.equal(shared.counts.get("b"), undefined);
    assert.equal(shared.counts.get("g"), undefined);
    assert.deepEqual(logged, []);
  });

  it("goes on with the start file after a restart, in any order of its lines, and reads it once", () => {
    startFile = "canary 7\nrelease.green 42\nlive green\nrelease.blue 41\n";
    assert.equal(gateway.current(), "7 green 41 42");
    startFile = undefined;
    assert.equal(gateway.current(), "7 green 41 42");
  });

  it("says what is wrong with a damaged start file and does not remember it", () => {
    startFile = "live purple\n";
    assert.equal(gateway.route(visitor()), "none");
    assert.match(logged.join(), /live blue, live green or live none/);
    startFile = "live blue\nrelease.blue 1\n";
    assert.equal(gateway.now(), "0 blue 1 none");
  });

  it("does not let the start file overwrite a state that came meanwhile", () => {
    // @ts-expect-error: one of the overloads is enough here
    fs.readFileSync = () => {
      shared.state.set("now", "0 blue 41 none");
      return "live green\n";
    };
    assert.equal(gateway.current(), "0 blue 41 none");
  });

  it("keeps a visitor with a bucket on the same side of the canary", () => {
    shared.state.set("now", "30 blue 41 42");
    const colors = [0, 29, 30, 99].map((bucket) =>
      gateway.route(visitor({ cookie_bluegreen_bucket: String(bucket) })),
    );
    assert.deepEqual(colors, ["green", "green", "blue", "blue"]);
  });

  it("gives a visitor without one the bucket of the address, and the cookie that keeps it", () => {
    shared.state.set("now", "50 blue 41 42");
    const seen = new Map<string, number>();
    for (let host = 0; host < 250; host++) {
      const request = visitor({ remote_addr: `10.0.0.${host}`, cookie_bluegreen_bucket: "123" });
      const color = gateway.route(request);
      const bucket =
        /^bluegreen_bucket=(\d+); Path=\/;/.exec(request.variables["canary_cookie"] ?? "")?.[1] ?? "?";
      assert.equal(color, Number(bucket) < 50 ? "green" : "blue");
      seen.set(color, (seen.get(color) ?? 0) + 1);
    }
    assert.ok((seen.get("green") ?? 0) > 80 && (seen.get("blue") ?? 0) > 80, JSON.stringify([...seen]));
  });

  it("sends no canary to a slot without a release", () => {
    shared.state.set("now", "100 blue 41 none");
    assert.equal(gateway.route(visitor()), "blue");
  });

  it("counts requests, errors and time of each colour, and what is still open", () => {
    shared.state.set("now", "0 blue 41 42");
    for (let request = 0; request < 3; request++) gateway.now();
    assert.equal(gateway.blue(visitor()), "blue");
    assert.equal(gateway.time(visitor({ color: "blue" })), "");
    assert.equal(gateway.blue(visitor({}, 502)), "blue");
    assert.equal(gateway.time(visitor({ color: "blue", upstream_header_time: "-" })), "");
    shared.state.set("now", "0 green 41 42");
    gateway.now();
    assert.equal(gateway.green(visitor({}, 499)), "green");
    const request = ask("GET");
    control.counts(request);
    assert.equal(
      request.text,
      "blue.requests 2\nblue.errors 1\nblue.open 1\nblue.milliseconds 12\nblue.buckets 0 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0\n" +
        "green.requests 1\ngreen.errors 0\ngreen.open 0\ngreen.milliseconds 0\ngreen.buckets 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    );
  });
});

describe("control.js", () => {
  beforeEach(() => {
    shared.state.values.clear();
    shared.state.set("now", "0 blue 41 none");
  });

  it("tells the state with the hash of the configuration", () => {
    const request = ask("GET");
    control.state(request);
    assert.equal(request.status, 200);
    assert.equal(request.text, "live blue\ncanary 0\nrelease.blue 41\nrelease.green none\nconfig cafe\n");
  });

  it("sets what is given, leaves the rest, answers the new state", () => {
    const request = ask("PUT", { live: "green", "release.green": "42" });
    control.state(request);
    assert.equal(request.text, "live green\ncanary 0\nrelease.blue 41\nrelease.green 42\nconfig cafe\n");
    assert.equal(shared.state.get("now"), "0 green 41 42");
  });

  it("lets pass whoever knows the token of the proof, until it is taken back", () => {
    const token = "0123456789abcdefABCDEF0123456789";
    const proven = (sent: string): string => gateway.proven(visitor({ http_x_bluegreen_proof: sent }));
    assert.equal(proven(token), "");
    const request = ask("PUT", { proof: token });
    control.state(request);
    assert.equal(request.status, 200);
    assert.doesNotMatch(request.text, /0123/);
    assert.equal(shared.state.get("now"), "0 blue 41 none");
    assert.deepEqual([proven(token), proven(`${token}0`), proven("none")], ["1", "", ""]);
    control.state(ask("PUT", { proof: "none" }));
    assert.deepEqual([proven(token), proven("none")], ["", ""]);
  });

  for (const [key, value, sentence] of [
    ["proof", "short", /^proof is not shown, allowed are none, 32 to 64 letters and digits\n$/],
    ["live", "red", /^live is "red", allowed are blue, green, none\n$/],
    ["canary", "101", /^canary is "101", allowed are whole percents from 0 to 100\n$/],
    ["canary", "", /^canary is ""/],
    ["release.blue", "a b", /^release.blue is "a b"/],
    ["colour", "blue", /^unknown key "colour", known are live, canary, release.blue, release.green\n$/],
  ] as const) {
    it(`refuses ${key}=${value} and changes nothing`, () => {
      const request = ask("PUT", { live: "green", [key]: value });
      control.state(request);
      assert.equal(request.status, 400);
      assert.match(request.text, sentence);
      assert.equal(shared.state.get("now"), "0 blue 41 none");
    });
  }

  it("refuses other methods", () => {
    const request = ask("DELETE");
    control.state(request);
    assert.equal(request.status, 405);
  });

  const smoke = async (args: Record<string, string>, status = 200, responseText = "{}"): Promise<string> => {
    const request = ask("GET", { color: "green", path: "/health", ...args }, () =>
      Promise.resolve({ status, responseText }),
    );
    await control.smoke(request);
    return `${request.status} ${request.text.trim()}`;
  };

  it("passes a slot that answers as expected", async () => {
    const body = '{"status":"ok","services":{"database":{"latency":3}}}';
    assert.match(
      await smoke({ json: '{"status":"ok","services.database.latency":3}' }, 200, body),
      /^200 ok \d+$/,
    );
  });

  it("asks the slot's own path with its query", async () => {
    let asked = "";
    const request = ask("GET", { color: "blue", path: "/items?limit=1", status: "204" }, (uri, query) => {
      asked = `${uri} ${query}`;
      return Promise.resolve({ status: 204, responseText: "" });
    });
    await control.smoke(request);
    assert.equal(asked, "/slot/blue/items limit=1");
    assert.equal(request.status, 200);
  });

  it("says what differs", async () => {
    assert.equal(await smoke({}, 503), "422 failed status is 503, expected 200");
    assert.equal(
      await smoke({ json: '{"services.database":"up"}' }, 200, '{"services":{}}'),
      '422 failed field services.database is undefined, expected "up"',
    );
    assert.match(await smoke({ json: '{"a":1}' }, 200, "<html>"), /^422 failed the answer is not JSON/);
  });

  it("does not wait longer than told", async () => {
    const request = ask(
      "GET",
      { color: "green", path: "/", timeout: "0.05" },
      () => new Promise(() => undefined),
    );
    await control.smoke(request);
    assert.equal(request.text, "failed no answer within 0.05 s\n");
  });

  it("refuses questions that make no sense", async () => {
    assert.match(await smoke({ color: "red" }), /^400 color is "red"/);
    assert.match(await smoke({ path: "health" }), /^400 path is "health"/);
    assert.match(await smoke({ status: "ok" }), /^400 status is "ok"/);
    assert.match(await smoke({ timeout: "-1" }), /^400 timeout is "-1"/);
    assert.match(await smoke({ json: "{" }), /^400 json cannot be parsed/);
  });
});
