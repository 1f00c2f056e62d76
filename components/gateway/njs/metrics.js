/* global ngx */
// GET /metrics: the gateway's own counts and where visitors go, in Prometheus' text format. Counts begin with the gateway.
import gateway from "./route.js";

const BUCKETS = 17;

// One metric: its lines, with what it means and its type before them.
function metric(name, type, help, lines) {
  const all = [`# HELP bluegreen_gateway_${name} ${help}`, `# TYPE bluegreen_gateway_${name} ${type}`];
  return all.concat(lines.map((line) => `bluegreen_gateway_${line}`)).join("\n");
}

function read(color) {
  const number = (key) => ngx.shared.counts.get(key) || 0;
  const slower = [];
  for (let i = 0; i < BUCKETS; i++) slower.push(number(`${color}.${i}`));
  // After the buckets, which count a request later: there are never fewer requests than the buckets hold.
  const requests = number(`${color}.requests`);
  return {
    color,
    requests,
    errors: number(`${color}.errors`),
    open: number(color[0]) - requests,
    seconds: number(`${color}.milliseconds`) / 1000,
    slower,
  };
}

// What took less than a millisecond is in none of the route's buckets, and in the first of these.
function histogram(one) {
  const lines = [];
  let below = one.requests - one.slower.reduce((sum, count) => sum + count, 0);
  for (let i = 0; i < BUCKETS - 1; i++) {
    below += one.slower[i];
    lines.push(`response_seconds_bucket{color="${one.color}",le="${Math.pow(2, i) / 1000}"} ${below}`);
  }
  lines.push(`response_seconds_bucket{color="${one.color}",le="+Inf"} ${one.requests}`);
  lines.push(`response_seconds_sum{color="${one.color}"} ${one.seconds}`);
  lines.push(`response_seconds_count{color="${one.color}"} ${one.requests}`);
  return lines;
}

function metrics(r) {
  const state = gateway.current().split(" ");
  const colors = ["blue", "green"].map(read);
  const each = (name, field) => colors.map((one) => `${name}{color="${one.color}"} ${one[field]}`);
  const text = [
    metric(
      "requests_total",
      "counter",
      "Requests of visitors that are over.",
      each("requests_total", "requests"),
    ),
    metric("errors_total", "counter", "Of these, answered with 500 or more.", each("errors_total", "errors")),
    metric(
      "open_requests",
      "gauge",
      "Requests under way, WebSockets and streams among them.",
      each("open_requests", "open"),
    ),
    metric(
      "response_seconds",
      "histogram",
      "Time to the first byte of the application, or until a visitor gave up.",
      colors.reduce((lines, one) => lines.concat(histogram(one)), []),
    ),
    metric(
      "live",
      "gauge",
      "1 for the colour that visitors are sent to.",
      ["blue", "green"].map((color) => `live{color="${color}"} ${state[1] === color ? 1 : 0}`),
    ),
    metric("canary_percent", "gauge", "Share of the visitors that the other colour gets.", [
      `canary_percent ${state[0]}`,
    ]),
    metric("maintenance", "gauge", "1 while visitors get the page of maintenance.", [
      `maintenance ${state.length > 4 ? 1 : 0}`,
    ]),
    metric("release_info", "gauge", "The release of each colour.", [
      `release_info{color="blue",release="${state[2]}"} 1`,
      `release_info{color="green",release="${state[3]}"} 1`,
    ]),
  ].join("\n");
  r.headersOut["Content-Type"] = "text/plain; version=0.0.4";
  r.return(200, `${text}\n`);
}

export default { metrics };
