/* global ngx */
// What runs for every request: which colour answers it, and the counting of it. The live colour is one value in a
// dictionary that all workers share, so a flip neither reloads Nginx nor touches a connection (control.js sets it).
//
// Nginx makes a JavaScript machine for each request and runs this file's top level in it: that is the price of a
// request. So it holds these few functions and nothing else: no constants, no helpers that only the control API needs.
import fs from "fs";

// The state is one value, "<live> <canary> <release.blue> <release.green>", because one value is replaced at once: no
// request sees the new colour with the old canary. After a restart there is none, and the start file says how to go
// on. `add` and not `set`: a value that came over the control socket meanwhile is newer. A missing or damaged file is
// not remembered, so that putting it right helps at once.
function load() {
  let text;
  try {
    text = fs.readFileSync("/etc/bluegreen/start", "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") ngx.log(ngx.ERR, `start file: ${error.message}`);
    return "none 0 none none";
  }
  const field = (name, allowed) => {
    const found = text.match(new RegExp(`(?:^|\\n)${name} (${allowed})(?:\\n|$)`));
    return found ? found[1] : undefined;
  };
  const live = field("live", "blue|green|none");
  if (live === undefined) {
    ngx.log(ngx.ERR, "start file: no line that says live blue, live green or live none");
    return "none 0 none none";
  }
  const release = "[A-Za-z0-9._-]+";
  const state = [
    live,
    field("canary", "\\d|[1-9]\\d|100") || "0",
    field("release.blue", release) || "none",
    field("release.green", release) || "none",
  ].join(" ");
  ngx.shared.state.add("state", state);
  return ngx.shared.state.get("state");
}

function current() {
  return ngx.shared.state.get("state") || load();
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

// js_set $slot: the upstream of this request; runs once, when the request is about to be passed on.
function route(r) {
  const state = current().split(" ");
  let color = state[0];
  if (color === "none") return color;
  const variables = r.variables;
  if (state[1] !== "0") {
    const idle = color === "blue" ? "green" : "blue";
    const idleRelease = idle === "blue" ? state[2] : state[3];
    // The bucket first: visitors are told theirs even while the idle slot has nothing to offer.
    if (bucketOf(variables) < Number(state[1]) && idleRelease !== "none") color = idle;
  }
  variables.color = color;
  variables.release = color === "blue" ? state[2] : state[3];
  ngx.shared.counts.incr(color + ".started", 1, 0);
  return color;
}

// js_set $counted: read by the log format only, so it runs when a request is over, WebSockets and streams included.
// Answers the colour, "" for a request that no colour saw.
function count(r) {
  const variables = r.variables;
  const color = variables.color;
  if (!color) return "";
  const counts = ngx.shared.counts;
  counts.incr(color + ".requests", 1, 0);
  // Time to the first byte: the length of a stream says nothing about how fast the application is.
  const milliseconds = Math.round(variables.upstream_header_time * 1000);
  if (milliseconds > 0) counts.incr(color + ".milliseconds", milliseconds, 0);
  if (variables.status >= "500") counts.incr(color + ".errors", 1, 0);
  return color;
}

export default { route, count, current };
