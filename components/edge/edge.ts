import * as pulumi from "@pulumi/pulumi";
import type { EdgeSettings } from "../config/edge-schema.ts";
import type { StackId } from "../config/names.ts";
import type { Host } from "../host/host.ts";
import {
  CERTIFICATE_DAYS,
  type CertificateRecord,
  generationOf,
  parseCertificate,
} from "./certificate-plan.ts";
import type { ZoneRecord } from "./zone-record.ts";

/** The gateway container, as `certificates.sh` has to know it. */
export interface EdgeGateway {
  readonly name: string;
  readonly image: string;
  /** The image on the host: a script there has no credentials to pull it with. */
  readonly pulled: pulumi.Resource;
}

export interface EdgeArgs {
  readonly host: Host;
  readonly id: StackId;
  readonly gateway: EdgeGateway;
  /** The host's public IPv4 address, where its kind tells. */
  readonly address: pulumi.Input<string> | undefined;
  /** What the last run left. */
  readonly previous: CertificateRecord | null | undefined;
  /** Counts how often the certificate was not the one that the last run left. */
  readonly repairs: number;
  /** As {@link lookAtEdge} found it. */
  readonly zone: ZoneRecord | undefined;
}

/** What stands in front of the gateway. */
export interface Edge {
  /** What the gateway has to wait for: its certificate, and an edge that can show its own. */
  readonly before: readonly pulumi.Resource[];
  readonly certificate: pulumi.Output<CertificateRecord | null>;
  /** Sends visitors to the gateway, once `after` stands. */
  publish(after: readonly pulumi.Resource[]): readonly pulumi.Resource[];
}

/**
 * Looks at what an edge already holds, changing nothing. `previous` is the zone as the last run found it.
 * @throws RunError when another stack owns the zone, or no token is there
 */
export async function lookAtEdge(
  settings: EdgeSettings,
  id: StackId,
  previous: ZoneRecord | undefined,
): Promise<ZoneRecord | undefined> {
  switch (settings.kind) {
    case "none":
    case "self-signed":
      return undefined;
    case "cloudflare":
      // Imported only here: a stack without it need not load it.
      return await (await import("./cloudflare/look.ts")).lookAtZone(settings, id, previous);
  }
}

/** Declares the edge of a stack. */
export async function makeEdge(settings: EdgeSettings, args: EdgeArgs): Promise<Edge> {
  switch (settings.kind) {
    case "none":
      return { before: [], certificate: pulumi.output(null), publish: () => [] };
    case "self-signed":
      return makeSelfSigned(settings.hostname, args);
    case "cloudflare": {
      const { CloudflareEdge } = await import("./cloudflare/edge.ts");
      return new CloudflareEdge("edge", { ...args, settings });
    }
  }
}

function makeSelfSigned(hostname: string, args: EdgeArgs): Edge {
  const { host, gateway, previous, repairs } = args;
  const generation = generationOf(previous, new Date());
  const certificate = host.command(
    "edge-certificate",
    {
      words: [
        host.script("certificates.sh"),
        host.directory,
        "self-signed",
        labelOf(generation, repairs),
        hostname,
        String(CERTIFICATE_DAYS),
        gateway.name,
        gateway.image,
      ],
      stdin: "",
    },
    { dependsOn: [host.scripts, gateway.pulled] },
  );
  return {
    before: [certificate],
    certificate: certificate.stdout.apply((text) => parseCertificate(text, generation)),
    publish: () => [],
  };
}

/** Names one set of keys on the host: another one for each renewal, and when what was there is gone. */
export function labelOf(generation: number, repairs: number): string {
  return repairs === 0 ? String(generation) : `${generation}-${repairs}`;
}
