import assert from "node:assert/strict";
import fs from "node:fs";
import { mock } from "node:test";
import type { GatewayRequest } from "../../../components/gateway/njs/route.js";
import type { AsideRequest } from "../../../components/gateway/njs/aside.js";
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
const { default: aside } = await import("../../../components/gateway/njs/aside.js");

/** The state, as a PUT leaves it. */
function keep(state: string): void {
  shared.state.set("state", state);
  shared.state.set("now", gateway.seen(state));
}

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
    keep("0 green 41 42");
    assert.equal(gateway.now(), "0 green 41 42");
    assert.deepEqual([...shared.counts.values], [["g", 1]]);
  });

  it("says the state uncounted while a canary runs: which colour it will be is not known yet", () => {
    keep("5 green 41 42");
    assert.equal(gateway.now(), "5 green 41 42");
    assert.equal(shared.counts.values.size, 0);
  });

  it("says color and release of a visitor while a canary runs, and counts", () => {
    keep("5 green 41 42");
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

  it("goes on with maintenance after a restart", () => {
    startFile = "live blue\ncanary 0\nrelease.blue 41\nrelease.green 42\nmaintenance 600\n";
    assert.equal(gateway.now(), "!");
    assert.equal(gateway.current(), "0 blue 41 42 600");
    assert.equal(shared.counts.values.size, 0);
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
      keep("0 blue 41 none");
      return "live green\n";
    };
    assert.equal(gateway.current(), "0 blue 41 none");
  });

  it("keeps a visitor with a bucket on the same side of the canary", () => {
    keep("30 blue 41 42");
    const colors = [0, 29, 30, 99].map((bucket) =>
      gateway.route(visitor({ cookie_bluegreen_bucket: String(bucket) })),
    );
    assert.deepEqual(colors, ["green", "green", "blue", "blue"]);
  });

  it("gives a visitor without one the bucket of the address, and the cookie that keeps it", () => {
    keep("50 blue 41 42");
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
    keep("100 blue 41 none");
    assert.equal(gateway.route(visitor()), "blue");
  });

  it("counts requests, errors and time of each colour, and what is still open", () => {
    keep("0 blue 41 42");
    for (let request = 0; request < 3; request++) gateway.now();
    assert.equal(gateway.blue(visitor()), "blue");
    assert.equal(gateway.time(visitor({ color: "blue" })), "");
    assert.equal(gateway.blue(visitor({}, 502)), "blue");
    assert.equal(gateway.time(visitor({ color: "blue", upstream_header_time: "-" })), "");
    keep("0 green 41 42");
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
    keep("0 blue 41 none");
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
    assert.equal(gateway.current(), "0 green 41 42");
  });

  it("turns maintenance on and off: visitors read that they are kept aside, uncounted", () => {
    const request = ask("PUT", { maintenance: "600", live: "green" });
    control.state(request);
    assert.equal(
      request.text,
      "live green\ncanary 0\nrelease.blue 41\nrelease.green none\nmaintenance 600\nconfig cafe\n",
    );
    shared.counts.values.clear();
    assert.deepEqual([gateway.now(), shared.counts.values.size], ["!", 0]);
    control.state(ask("PUT", { live: "blue" }));
    assert.equal(gateway.current(), "0 blue 41 none 600");
    control.state(ask("PUT", { maintenance: "off" }));
    assert.deepEqual([gateway.now(), gateway.current()], ["0 blue 41 none", "0 blue 41 none"]);
  });

  it("holds for as long as was asked, one at a time, and ends only the hold that is named", () => {
    const hold = (method: string, args: Record<string, string> = {}) => {
      const request = ask(method, args);
      control.hold(request);
      return `${request.status} ${request.text.trim()}`;
    };
    assert.equal(hold("GET"), "200 until none\nheld 0");
    const began = hold("PUT", { seconds: "20" });
    const until = /^200 until (\d+)\nheld 0$/.exec(began)?.[1] ?? began;
    assert.ok(Math.abs(Number(until) - Date.now() - 20_000) < 1000, began);
    assert.equal(gateway.now(), "!");
    assert.match(hold("PUT", { seconds: "5" }), /^409 requests are held already/);
    assert.equal(hold("DELETE", { until: String(Number(until) + 1) }), `200 until ${until}\nheld 0`);
    // A flip meanwhile lets nobody go.
    control.state(ask("PUT", { live: "green" }));
    assert.equal(gateway.now(), "!");
    assert.equal(hold("DELETE", { until }), "200 until none\nheld 0");
    assert.equal(gateway.now(), "0 green 41 none");
    for (const seconds of ["0", "31", "1.5", ""]) assert.match(hold("PUT", { seconds }), /^400 seconds is/);
    assert.match(hold("POST"), /^405/);
    control.state(ask("PUT", { maintenance: "600" }));
    assert.match(hold("PUT", { seconds: "5" }), /^409 maintenance is on/);
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
    ["maintenance", "0", /^maintenance is "0", allowed are off, 1 to 999999 seconds\n$/],
    [
      "colour",
      "blue",
      /^unknown key "colour", known are live, canary, release.blue, release.green, maintenance\n$/,
    ],
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

describe("aside.js", () => {
  const SECRET = "0123456789abcdef".repeat(3);
  const realRead = fs.readFileSync;
  let file: string | undefined;

  beforeEach(() => {
    shared.state.values.clear();
    shared.counts.values.clear();
    logged.length = 0;
    file = `${SECRET}\n`;
    // @ts-expect-error: one of the overloads is enough here
    fs.readFileSync = (path: string) => {
      assert.equal(path, "/etc/bluegreen/bypass");
      if (file === undefined) throw Object.assign(new Error("not there"), { code: "ENOENT" });
      return file;
    };
  });
  afterEach(() => {
    fs.readFileSync = realRead;
  });

  interface Kept extends AsideRequest {
    went: string;
    answered: number;
    goes: Promise<string>;
  }
  function kept(variables: Record<string, string> = {}, method = "GET"): Kept {
    const { promise, resolve } = Promise.withResolvers<string>();
    return {
      ...visitor({ most_held: "2", aside_way: "@aside_page", scheme: "https", ...variables }),
      method,
      headersOut: {},
      went: "",
      answered: 0,
      goes: promise,
      return(status) {
        this.answered = status;
      },
      internalRedirect(where) {
        this.went = where;
        resolve(where);
      },
    };
  }
  const handled = (variables: Record<string, string> = {}): Kept => {
    const request = kept(variables);
    aside.handle(request);
    return request;
  };

  it("shows the page while maintenance is on, to all but the team and the proof of a switch", () => {
    keep("0 blue 41 42 600");
    shared.state.set("proof", "p".repeat(32));
    const closed = handled();
    assert.deepEqual([closed.went, closed.variables["retry_after"]], ["@closed", "600"]);
    assert.equal(shared.counts.values.size, 0);
    for (const [name, value] of [
      ["http_x_bluegreen_bypass", SECRET],
      ["cookie_bluegreen_bypass", SECRET],
      ["http_x_bluegreen_proof", "p".repeat(32)],
    ] as const) {
      const request = handled({ [name]: value });
      assert.deepEqual(
        [request.went, request.variables["aside_slot"], request.variables["release"]],
        ["@aside_page", "blue", "41"],
      );
    }
    assert.equal(shared.counts.get("b"), 3);
    for (const sent of ["", "undefined", SECRET.slice(1)])
      assert.equal(handled({ http_x_bluegreen_bypass: sent }).went, "@closed");
  });

  it("knows no way past the page without a whole secret", () => {
    keep("0 blue 41 42 600");
    for (const text of [undefined, "", "short\n"]) {
      file = text;
      assert.equal(handled({ http_x_bluegreen_bypass: (text ?? "undefined").trim() }).went, "@closed");
    }
    assert.deepEqual(logged, []);
  });

  it("sends the team to the canary as visitors would be", () => {
    keep("30 blue 41 42 600");
    const slots = ["29", "30"].map(
      (bucket) =>
        handled({ http_x_bluegreen_bypass: SECRET, cookie_bluegreen_bucket: bucket }).variables["aside_slot"],
    );
    assert.deepEqual(slots, ["green", "blue"]);
  });

  it("keeps requests waiting until the hold is ended, no more than there is room for", async () => {
    keep("0 blue 41 42");
    const began = ask("PUT", { seconds: "20" });
    control.hold(began);
    const [one, two, three] = [handled(), handled(), handled()];
    assert.deepEqual([one.went, two.went, three.went], ["", "", "@closed"]);
    assert.equal(three.variables["retry_after"], "20");
    control.state(ask("PUT", { live: "green" }));
    control.hold(ask("DELETE", { until: /until (\d+)/.exec(began.text)?.[1] ?? "" }));
    assert.deepEqual(await Promise.all([one.goes, two.goes]), ["@aside_page", "@aside_page"]);
    assert.deepEqual([one.variables["aside_slot"], shared.counts.get("g")], ["green", 2]);
  });

  it("lets go a millisecond apart in the order in which they came, whoever looked last", () => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
    try {
      keep("0 blue 41 42");
      const began = ask("PUT", { seconds: "20" });
      control.hold(began);
      const went: [number, number][] = [];
      // They look each 200 ms: the second does so first after the end, then the third, then the first.
      for (const [place, cameAt] of [1, 130, 160].entries()) {
        mock.timers.tick(cameAt - (Date.now() - 1_000_000));
        const request = kept({ most_held: "3" });
        request.internalRedirect = () => void went.push([place, Date.now() - 1_000_000]);
        aside.handle(request);
      }
      mock.timers.tick(300 - 160);
      control.hold(ask("DELETE", { until: /until (\d+)/.exec(began.text)?.[1] ?? "" }));
      for (let millisecond = 0; millisecond < 300; millisecond++) mock.timers.tick(1);
      assert.deepEqual(went, [
        [0, 501],
        [1, 502],
        [2, 503],
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  it("lets go when the time is over, and opens the gateway with the next request", async () => {
    keep("0 blue 41 42");
    shared.state.set("hold", String(Date.now() + 60));
    shared.state.set("now", "!");
    const one = handled();
    assert.equal(one.went, "");
    await one.goes;
    assert.equal(gateway.now(), "!", "nobody has come since");
    assert.equal(handled().went, "@aside_page");
    assert.equal(gateway.now(), "0 blue 41 42");
  });

  it("takes the secret for a cookie, while maintenance is on", () => {
    keep("0 blue 41 42 600");
    const asked = (method: string, variables: Record<string, string> = {}) => {
      const request = kept(variables, method);
      aside.bypass(request);
      return request;
    };
    assert.equal(asked("GET").went, "/.gateway/bypass.html");
    assert.equal(asked("POST").answered, 403);
    assert.equal(asked("PUT", { http_x_bluegreen_bypass: SECRET }).answered, 403);
    const opened = asked("POST", { http_x_bluegreen_bypass: SECRET });
    assert.equal(opened.answered, 204);
    assert.deepEqual(opened.headersOut["Set-Cookie"], [
      `bluegreen_bypass=${SECRET}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure`,
    ]);
    keep("0 blue 41 42");
    assert.equal(asked("GET").answered, 404);
  });
});
