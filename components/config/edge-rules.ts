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

function knowsItsAddress(host: HostSettings): boolean {
  switch (host.kind) {
    case "local":
      return false;
    case "ssh":
      return /^[\d.]+$/.test(host.address);
    case "ec2":
      return true;
  }
}
