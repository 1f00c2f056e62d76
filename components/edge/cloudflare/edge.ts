// By class: the whole SDK takes 0.4 s to load, these a hundredth of it.
import { AuthenticatedOriginPulls } from "@pulumi/cloudflare/authenticatedOriginPulls.js";
import { AuthenticatedOriginPullsHostnameCertificate } from "@pulumi/cloudflare/authenticatedOriginPullsHostnameCertificate.js";
import { DnsRecord } from "@pulumi/cloudflare/dnsRecord.js";
import { OriginCaCertificate } from "@pulumi/cloudflare/originCaCertificate.js";
import type { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { CloudflareSettings } from "../../config/edge-schema.ts";
import {
  CERTIFICATE_DAYS,
  type CertificateRecord,
  generationOf,
  parseCertificate,
} from "../certificate-plan.ts";
import { type Edge, type EdgeArgs, labelOf } from "../edge.ts";
import { parseClientPair } from "./client-pair.ts";
import { Zone } from "./zone.ts";

export interface CloudflareEdgeArgs extends EdgeArgs {
  readonly settings: CloudflareSettings;
}

/**
 * Cloudflare in front of the gateway. Between the two: an Origin CA certificate whose key is made on the host and stays
 * there, and a client certificate of this stack's own, which Cloudflare shows for this host name alone; the gateway
 * answers 403 without it. It is enabled here first (`before`) and enforced by the gateway's configuration after that.
 */
export class CloudflareEdge extends pulumi.ComponentResource implements Edge {
  readonly before: readonly pulumi.Resource[];
  readonly certificate: pulumi.Output<CertificateRecord | null>;
  private readonly args: CloudflareEdgeArgs;
  private readonly zoneId: string;
  private readonly zone: Zone | undefined;

  constructor(name: string, args: CloudflareEdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:edge:CloudflareEdge", name, {}, opts);
    const { settings, id, previous } = args;
    if (args.zone === undefined) throw new Error("the zone has to be looked at before its edge is declared");
    this.args = args;
    this.zoneId = args.zone.id;
    this.zone = settings.ownsZone
      ? new Zone(`${name}-zone`, { settings, zoneId: this.zoneId, id }, { parent: this })
      : undefined;
    const generation = generationOf(previous, new Date());
    const label = labelOf(generation, args.repairs);
    const clients = this.clients(name, label);
    const installed = this.origin(name, label, clients.trusted);
    this.before = [installed, clients.shown, ...(this.zone?.resources ?? [])];
    this.certificate = installed.stdout.apply((text) => parseCertificate(text, generation));
    this.registerOutputs();
  }

  /** The origin's certificate: key and request on the host, signed by Cloudflare's Origin CA, checked and served there. */
  private origin(name: string, label: string, trusted: pulumi.Resource): local.Command {
    const { settings, gateway } = this.args;
    const request = this.command(`${name}-request`, ["request", label, settings.hostname]);
    const signed = new OriginCaCertificate(
      `${name}-certificate`,
      {
        csr: request.stdout,
        hostnames: [settings.hostname],
        requestType: "origin-ecc",
        requestedValidity: CERTIFICATE_DAYS,
      },
      { parent: this },
    );
    return this.command(
      `${name}-install`,
      ["install", label, settings.hostname, gateway.name, gateway.image],
      { stdin: signed.certificate, dependsOn: [trusted] },
    );
  }

  /**
   * The certificate that Cloudflare shows: trusted by the gateway first, then shown. At a renewal both the old and the
   * new one are trusted, so it does not matter which one a data centre has.
   */
  private clients(name: string, label: string): { trusted: pulumi.Resource; shown: pulumi.Resource } {
    const { settings, gateway } = this.args;
    const { hostname } = settings;
    const trusted = this.command(
      `${name}-clients`,
      ["clients", label, hostname, String(CERTIFICATE_DAYS), gateway.name, gateway.image],
      { secret: true },
    );
    const pair = trusted.stdout.apply(parseClientPair);
    const uploaded = new AuthenticatedOriginPullsHostnameCertificate(
      `${name}-client-certificate`,
      { zoneId: this.zoneId, certificate: pair.certificate, privateKey: pair.privateKey },
      { parent: this },
    );
    const shown = new AuthenticatedOriginPulls(
      `${name}-origin-pulls`,
      { zoneId: this.zoneId, configs: [{ hostname, certId: uploaded.id, enabled: true }] },
      { parent: this },
    );
    return { trusted, shown };
  }

  private command(
    name: string,
    words: readonly string[],
    more: {
      readonly stdin?: pulumi.Input<string>;
      readonly dependsOn?: readonly pulumi.Resource[];
      /** Whether what it prints is secret. */
      readonly secret?: boolean;
    } = {},
  ): local.Command {
    const { host } = this.args;
    return host.command(
      name,
      { words: [host.script("certificates.sh"), host.directory, ...words], stdin: more.stdin ?? "" },
      {
        parent: this,
        dependsOn: [host.scripts, this.args.gateway.pulled, ...(more.dependsOn ?? [])],
        ...(more.secret === true && { additionalSecretOutputs: ["stdout", "stderr"] }),
      },
    );
  }

  publish(after: readonly pulumi.Resource[]): readonly pulumi.Resource[] {
    const { settings, address, id } = this.args;
    const content = settings.originAddress ?? address;
    if (content === undefined) throw new Error("the host has no public address (edge.originAddress)");
    const record = new DnsRecord(
      "edge-record",
      {
        zoneId: this.zoneId,
        name: settings.hostname,
        type: "A",
        content,
        proxied: true,
        ttl: 1, // the only one that a proxied record may have
        comment: `${id.project}/${id.stack}`,
      },
      { parent: this, dependsOn: [...after] },
    );
    return [record];
  }
}
