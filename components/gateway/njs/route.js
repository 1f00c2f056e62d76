/* global ngx */
// What runs for every request: which colour answers it, and the counting of it. The live colour is one value in a
// dictionary that all workers share, so a flip neither reloads Nginx nor touches a connection (control.js sets it).
//
// Nginx makes a JavaScript machine for each request and runs this file's top level in it: that is the price of a
// request. So it holds these few functions and nothing else, and what a request does while no canary runs (now, blue or
// green) reads no variable, splits no text and builds no key: each of these costs as much as reading the dictionary.
import fs from "fs";

// The state is one value, "<canary> <live> <release.blue> <release.green>", because one value is replaced at once: no
// request sees the new colour with the old canary. While maintenance is on a fifth word follows, the seconds of its
// Retry-After. After a restart there is none, and the start file says how to go on. `add` and not `set`: a value that came
// over the control socket meanwhile is newer. A missing or damaged file is not remembered, so that putting it right helps at
// once.
function read() {
  let text;
  try {
    text = fs.readFileSync("/etc/bluegreen/start", "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") ngx.log(ngx.ERR, `start file: ${error.message}`);
    return "0 none none none";
  }
  const field = (name, allowed) => {
    const found = text.match(new RegExp(`(?:^|\\n)${name} (${allowed})(?:\\n|$)`));
    return found ? found[1] : undefined;
  };
  const live = field("live", "blue|green|none");
  if (live === undefined) {
    ngx.log(ngx.ERR, "start file: no line that says live blue, live green or live none");
    return "0 none none none";
  }
  const release = "[A-Za-z0-9._-]+";
  const state = [
    field("canary", "\\d|[1-9]\\d|100") || "0",
    live,
    field("release.blue", release) || "none",
    field("release.green", release) || "none",
    field("maintenance", "\\d+"),
  ];
  ngx.shared.state.add("state", state.filter((word) => word !== undefined).join(" "));
  return ngx.shared.state.get("state");
}

function current() {
  return ngx.shared.state.get("state") || read();
}

// What a request reads of the state, under "now": the state itself, or "!" while visitors are kept aside (aside.js).
function seen(state) {
  return state.split(" ").length > 4 || Number(ngx.shared.state.get("hold")) > Date.now() ? "!" : state;
}

function load() {
  const now = seen(current());
  if (ngx.shared.state.get("state") !== undefined) ngx.shared.state.add("now", now);
  return now;
}

// A visitor keeps a bucket of 0..99 as long as a canary runs: from the cookie, or from the address where there is none
// (FNV-1a spreads neighbouring addresses).
function bucketOf(variables) {
  const cookie = variables.cookie_bluegreen_bucket;
  if (cookie !== undefined && /^\d{1,2}$/.test(cookie)) return Number(cookie);
  const address = variables.remote_addr;
  let hash = 0x811c9dc5;
  for (let i = 0; i < address.length; i++) {
    hash ^= address.charCodeAt(i);
    hash = (hash + (hash << 1) + (hash << 4) + (hash << 7) + (hash << 8) + (hash << 24)) >>> 0;
  }
  variables.canary_cookie = `bluegreen_bucket=${hash % 100}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax`;
  return hash % 100;
}

// js_set $now: the state, counted for the live colour. Runs once, when a request is about to be passed on; nginx.conf
// takes colour and release out of the text. Where the text does not begin with 0 (a canary, or visitors are kept aside) who
// decides counts.
function now() {
  const state = ngx.shared.state.get("now") || load();
  if (state[0] === "0") ngx.shared.counts.incr(state[2], 1, 0);
  return state;
}

// js_set $routed: the upstream of this request while a canary runs.
function route(r) {
  const state = current().split(" ");
  let color = state[1];
  if (color === "none") return color;
  const variables = r.variables;
  const idle = color === "blue" ? "green" : "blue";
  const idleRelease = idle === "blue" ? state[2] : state[3];
  // The bucket first: visitors are told theirs even while the idle slot has nothing to offer.
  if (bucketOf(variables) < Number(state[0]) && idleRelease !== "none") color = idle;
  variables.color = color;
  variables.release = color === "blue" ? state[2] : state[3];
  ngx.shared.counts.incr(color[0], 1, 0);
  return color;
}

// js_set $counted_blue, $counted_green: read by the log format only, so they run when a request is over, WebSockets and
// streams included.
function blue(r) {
  const counts = ngx.shared.counts;
  counts.incr("blue.requests", 1, 0);
  if (r.status > 499) counts.incr("blue.errors", 1, 0);
  return "blue";
}

function green(r) {
  const counts = ngx.shared.counts;
  counts.incr("green.requests", 1, 0);
  if (r.status > 499) counts.incr("green.errors", 1, 0);
  return "green";
}

// js_set $timed: adds the time to the first byte (the length of a stream says nothing about how fast the application
// is), or how long a visitor waited who gave up without one: an application that hangs answers nobody, and is slow for all.
// nginx.conf asks only when there is something to add. Writes nothing into the line.
function time(r) {
  const variables = r.variables;
  let milliseconds = Math.round(variables.upstream_header_time * 1000);
  // Without an answer there is no number.
  if (!(milliseconds > 0) && r.status === 499) milliseconds = Math.round(variables.request_time * 1000);
  if (!(milliseconds > 0)) return "";
  const color = variables.color;
  ngx.shared.counts.incr(`${color}.milliseconds`, milliseconds, 0);
  // Buckets that double: 1, 2, 4 … 65536 ms. What is faster than a millisecond is in none.
  ngx.shared.counts.incr(`${color}.${Math.min(16, Math.ceil(Math.log2(milliseconds)))}`, 1, 0);
  return "";
}

// js_set $proven: whether the caller knows the token that `PUT /state?proof=` left, asked only when the header is there.
function proven(r) {
  const token = ngx.shared.state.get("proof");
  return token !== undefined && r.variables.http_x_bluegreen_proof === token ? "1" : "";
}

export default { now, route, blue, green, time, proven, current, seen };
