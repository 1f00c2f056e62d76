/* global ngx, setTimeout */
// What becomes of requests while visitors are kept aside: nginx.conf sends them here where $now is "!", and they are sent
// on from here. In a JavaScript machine of its own (js_import in this location alone), so that other requests do not
// pay for it.
import fs from "fs";
import gateway from "./route.js";

// How often a request that waits looks whether it may go on. Each look costs memory until the request is over.
const LOOK_MILLISECONDS = 200;

// The team's secret, made by switch.sh when maintenance is turned on; undefined where there is none.
function secret() {
  try {
    const text = fs.readFileSync("/etc/bluegreen/bypass", "utf8").trim();
    return text.length < 32 ? undefined : text;
  } catch (error) {
    if (error.code !== "ENOENT") ngx.log(ngx.ERR, `bypass: ${error.message}`);
    return undefined;
  }
}

function bypasses(variables) {
  const sent = variables.http_x_bluegreen_bypass || variables.cookie_bluegreen_bypass;
  return sent !== undefined && sent !== "" && sent === secret();
}

function closed(r, seconds) {
  r.variables.retry_after = String(seconds);
  r.internalRedirect("@closed");
}

function goOn(r) {
  const retryAfter = gateway.current().split(" ")[4];
  if (retryAfter !== undefined && gateway.proven(r) !== "1" && !bypasses(r.variables))
    return closed(r, retryAfter);
  r.variables.aside_slot = gateway.route(r);
  return r.internalRedirect(r.variables.aside_way);
}

// One after the other, a millisecond apart, in the order in which they came.
function wait(r, until, place) {
  const now = Date.now();
  const hold = Number(ngx.shared.state.get("hold"));
  if (hold === until && now < until) {
    setTimeout(wait, Math.min(LOOK_MILLISECONDS, until - now), r, until, place);
  } else {
    // By then all who wait have seen that the hold was ended.
    const from = hold < until ? hold + LOOK_MILLISECONDS : until;
    setTimeout(goOn, Math.max(0, from + place - now), r);
  }
}

// js_content of @aside.
function handle(r) {
  const now = Date.now();
  const until = Number(ngx.shared.state.get("hold") || 0);
  if (until > now && gateway.proven(r) !== "1") {
    const place = ngx.shared.counts.incr("held", 1, 0);
    if (place > Number(r.variables.most_held)) return closed(r, Math.ceil((until - now) / 1000));
    return wait(r, until, place);
  }
  // A hold that is over: whoever comes next reads the state again. Deleted and not set, because a newer one may be there.
  if (until !== 0 && gateway.seen(gateway.current()) !== "!") ngx.shared.state.delete("now");
  return goOn(r);
}

// js_content of /.bluegreen/bypass. The link carries the secret behind "#", which no browser sends and nobody logs; the page
// there hands it over in a header and gets the cookie.
function bypass(r) {
  r.headersOut["Cache-Control"] = "no-store";
  if (gateway.current().split(" ").length < 5) return r.return(404);
  if (r.method === "GET") return r.internalRedirect("/.gateway/bypass.html");
  if (r.method !== "POST" || !bypasses(r.variables)) return r.return(403);
  const cookie = `bluegreen_bypass=${secret()}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax`;
  r.headersOut["Set-Cookie"] = [r.variables.scheme === "https" ? `${cookie}; Secure` : cookie];
  return r.return(204);
}

export default { handle, bypass };
