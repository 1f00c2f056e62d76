/* global ngx, setTimeout */
// The control API: reached only through the socket in the host's directory. Answers lines of "key value".
import gateway from "./route.js";

// What PUT /state may set, and how the value must look.
const FIELDS = {
  live: { pattern: /^(blue|green|none)$/, allowed: "blue, green, none" },
  canary: { pattern: /^(\d|[1-9]\d|100)$/, allowed: "whole percents from 0 to 100" },
  "release.blue": { pattern: /^[A-Za-z0-9._-]{1,64}$/, allowed: '1 to 64 letters, digits, ".", "_", "-"' },
  "release.green": { pattern: /^[A-Za-z0-9._-]{1,64}$/, allowed: '1 to 64 letters, digits, ".", "_", "-"' },
  maintenance: { pattern: /^(off|[1-9]\d{0,5})$/, allowed: "off, 1 to 999999 seconds" },
};
const KEYS = Object.keys(FIELDS);
// Where each of them stands in the state that route.js keeps.
const PLACES = [1, 0, 2, 3, 4];
// Whoever sends this as X-Bluegreen-Proof is not held to the rate limit: the switch, which asks from outside.
const PROOF = /^(none|[A-Za-z0-9]{32,64})$/;

function plain(r, status, text) {
  r.headersOut["Content-Type"] = "text/plain";
  r.return(status, `${text}\n`);
}

function describe(packed, config) {
  const values = packed.split(" ");
  return KEYS.filter((_, index) => values[PLACES[index]] !== undefined)
    .map((key) => `${key} ${values[PLACES[KEYS.indexOf(key)]]}`)
    .concat(`config ${config}`)
    .join("\n");
}

// GET /state, PUT /state?live=green&canary=0&release.green=2&maintenance=600. PUT /state?proof=<token> is no part of the state: it is not
// shown, and a restart forgets it; proof=none takes it back.
function state(r) {
  let packed = gateway.current();
  if (r.method === "PUT") {
    const values = packed.split(" ");
    const proof = r.args.proof;
    const given = Object.keys(r.args).filter((key) => key !== "proof");
    if (proof !== undefined && !PROOF.test(proof)) {
      return plain(r, 400, "proof is not shown, allowed are none, 32 to 64 letters and digits");
    }
    for (let i = 0; i < given.length; i++) {
      const key = given[i];
      const value = String(r.args[key]);
      const index = KEYS.indexOf(key);
      if (index < 0) return plain(r, 400, `unknown key "${key}", known are ${KEYS.join(", ")}`);
      if (!FIELDS[key].pattern.test(value)) {
        return plain(r, 400, `${key} is "${value}", allowed are ${FIELDS[key].allowed}`);
      }
      values[PLACES[index]] = value;
    }
    if (values[4] === "off") values.pop();
    packed = values.join(" ");
    if (given.length > 0) {
      ngx.shared.state.set("state", packed);
      ngx.shared.state.set("now", gateway.seen(packed));
    }
    if (proof === "none") ngx.shared.state.delete("proof");
    else if (proof !== undefined) ngx.shared.state.set("proof", proof);
  } else if (r.method !== "GET") {
    return plain(r, 405, `method ${r.method}, allowed are GET, PUT`);
  }
  return plain(r, 200, describe(packed, r.variables.config_hash));
}

// PUT /hold?seconds=20: from now on visitors wait, at most so long; answers until when, in milliseconds since 1970.
// DELETE /hold?until=<that answer> lets them go at once, and does nothing to another hold; GET /hold tells.
const LONGEST_HOLD_SECONDS = 30;
function hold(r) {
  const state = ngx.shared.state;
  const counts = ngx.shared.counts;
  const until = Number(state.get("hold") || 0);
  const packed = gateway.current();
  if (r.method === "PUT") {
    const seconds = /^[1-9]\d?$/.test(r.args.seconds) ? Number(r.args.seconds) : 0;
    if (seconds < 1 || seconds > LONGEST_HOLD_SECONDS)
      return plain(r, 400, `seconds is "${r.args.seconds}", allowed are 1 to ${LONGEST_HOLD_SECONDS}`);
    if (until > Date.now()) return plain(r, 409, "requests are held already");
    if (packed.split(" ").length > 4) return plain(r, 409, "maintenance is on: nobody waits");
    counts.set("held", 0);
    state.set("hold", String(Date.now() + seconds * 1000));
    state.set("now", gateway.seen(packed));
  } else if (r.method === "DELETE") {
    if (until > Date.now() && r.args.until === String(until)) {
      // Those who wait see that it is before the time they were told.
      state.set("hold", String(Date.now()));
      state.set("now", gateway.seen(packed));
    }
  } else if (r.method !== "GET") {
    return plain(r, 405, `method ${r.method}, allowed are GET, PUT, DELETE`);
  }
  const now = Number(state.get("hold") || 0);
  return plain(r, 200, `until ${now > Date.now() ? now : "none"}\nheld ${counts.get("held") || 0}`);
}

// GET /counts
function counts(r) {
  const read = (key) => ngx.shared.counts.get(key) || 0;
  const lines = ["blue", "green"].map((color) => {
    // Finished before started: a request between the two reads must not make the number in flight negative.
    const requests = read(`${color}.requests`);
    return [
      `${color}.requests ${requests}`,
      `${color}.errors ${read(`${color}.errors`)}`,
      `${color}.open ${read(color[0]) - requests}`,
      `${color}.milliseconds ${read(`${color}.milliseconds`)}`,
      // How many took at most 1, 2, 4 … 65536 ms, each beyond the one before.
      `${color}.buckets ${Array.from({ length: 17 }, (_, i) => read(`${color}.${i}`)).join(" ")}`,
    ].join("\n");
  });
  plain(r, 200, lines.join("\n"));
}

// The value at a dotted path ("services.database.status"), undefined where there is none.
function valueAt(document, path) {
  const steps = path.split(".");
  let value = document;
  for (let i = 0; i < steps.length; i++) {
    if (value === null || typeof value !== "object") return undefined;
    value = value[steps[i]];
  }
  return value;
}

// What is wrong with an answer, or "" when it is as expected.
function faultOf(status, body, expectedStatus, expectedFields) {
  if (status !== expectedStatus) return `status is ${status}, expected ${expectedStatus}`;
  const paths = Object.keys(expectedFields);
  if (paths.length === 0) return "";
  let document;
  try {
    document = JSON.parse(body);
  } catch (error) {
    return `the answer is not JSON (${String(error.message).split("\n")[0]})`;
  }
  for (let i = 0; i < paths.length; i++) {
    const got = JSON.stringify(valueAt(document, paths[i]));
    const expected = JSON.stringify(expectedFields[paths[i]]);
    if (got !== expected) return `field ${paths[i]} is ${got}, expected ${expected}`;
  }
  return "";
}

// GET /smoke?color=green&path=/health&status=200&timeout=2&json={"status":"ok"}: asks a slot out of visitors' sight.
async function smoke(r) {
  const args = r.args;
  let fields = {};
  if (["blue", "green"].indexOf(args.color) < 0)
    return plain(r, 400, `color is "${args.color}", allowed are blue, green`);
  if (!/^\/[^\s]*$/.test(args.path || ""))
    return plain(r, 400, `path is "${args.path}", it must begin with "/"`);
  const status = Number(args.status || 200);
  const timeoutSeconds = Number(args.timeout || 5);
  if (!(status >= 100 && status <= 599))
    return plain(r, 400, `status is "${args.status}", allowed are 100 to 599`);
  if (!(timeoutSeconds > 0)) return plain(r, 400, `timeout is "${args.timeout}", it must be seconds above 0`);
  try {
    if (args.json) fields = JSON.parse(args.json);
  } catch (error) {
    return plain(r, 400, `json cannot be parsed: ${error.message}`);
  }
  const cut = args.path.indexOf("?");
  const uri = `/slot/${args.color}${cut < 0 ? args.path : args.path.slice(0, cut)}`;
  const began = Date.now();
  const answer = await Promise.race([
    r.subrequest(uri, { method: "GET", args: cut < 0 ? "" : args.path.slice(cut + 1) }),
    new Promise((resolve) => setTimeout(() => resolve(null), timeoutSeconds * 1000)),
  ]);
  const milliseconds = Date.now() - began;
  const fault =
    answer === null
      ? `no answer within ${timeoutSeconds} s`
      : faultOf(answer.status, answer.responseText, status, fields);
  if (fault !== "") return plain(r, 422, `failed ${fault}`);
  return plain(r, 200, `ok ${milliseconds}`);
}

export default { state, hold, counts, smoke };
