import { isIP } from "node:net";
import { setCommand } from "./commands.ts";
import type { EdgeSettings } from "./edge-schema.ts";
import type { HostSettings } from "./host-schema.ts";
import { type Problem, shown } from "./problems.ts";

/** What the edge's keys do not show one by one. Keys that did not parse are not looked at. */
export function checkEdge(edge: EdgeSettings | undefined, host: HostSettings | undefined): Problem[] {
  if (edge?.kind !== "cloudflare") return [];
  const problems: Problem[] = [];
  if (edge.hostname !== edge.zone && !edge.hostname.endsWith(`.${edge.zone}`)) {
    problems.push({
      key: "edge.hostname",
      got: shown(edge.hostname),
      allowed: `a name in the zone ${edge.zone}`,
      fix: setCommand(["edge", "hostname"], `app.${edge.zone}`),
    });
  }
  if (host !== undefined && edge.originAddress === undefined && !knowsItsAddress(host)) {
    problems.push({
      key: "edge.originAddress",
      got: "nothing",
      allowed: `the public IPv4 address of the host, which a host of kind ${shown(host.kind)} does not tell`,
      fix: setCommand(["edge", "originAddress"]),
    });
  }
  return problems;
}

/** Addresses that visitors cannot reach: RFC 1918, loopback, link-local, RFC 6598. */
const PRIVATE =
  /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;

function knowsItsAddress(host: HostSettings): boolean {
  switch (host.kind) {
    case "local":
      return false;
    case "ssh":
      return isIP(host.address) === 4 && !PRIVATE.test(host.address);
    case "ec2":
      return true;
  }
}
