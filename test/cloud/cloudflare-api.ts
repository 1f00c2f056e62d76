import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import { CLOUDFLARE_IPV4, CLOUDFLARE_IPV6 } from "../../components/edge/cloudflare-ranges.ts";
import { at } from "../support/json.ts";
import { dnsRoutes } from "./cloudflare/dns.ts";
import { type Logged, type Route, serve } from "./cloudflare/http.ts";
import { originCaRoutes } from "./cloudflare/origin-ca.ts";
import { originPullRoutes } from "./cloudflare/origin-pulls.ts";
import { rulesetRoutes } from "./cloudflare/rulesets.ts";
import { settingRoutes } from "./cloudflare/settings.ts";
import { Signer } from "./cloudflare/signer.ts";
import { Account, type Zone } from "./cloudflare/state.ts";

/**
 * Cloudflare's API on loopback, for zones on the free plan: what it is told it keeps, what Cloudflare refuses it refuses
 * in the same envelope. Written from the documentation and the provider's source: it shows that the program and the
 * provider hold together and stay within those rules, not that Cloudflare itself does what it says.
 */
export class CloudflareApi {
  /** For `cloudflare:apiToken`. */
  readonly token = randomBytes(20).toString("hex");
  readonly account = new Account();
  /** Signs origin certificates; its root is what Cloudflare's edge trusts. */
  readonly signer = new Signer();
  readonly requests: Logged[] = [];
  /** While it is, every answer is 503. */
  isDown = false;
  #server: Server;

  private constructor() {
    const routes = [
      ...zoneRoutes(this.account),
      ...dnsRoutes(this.account),
      ...settingRoutes(this.account),
      ...rulesetRoutes(this.account),
      ...originCaRoutes(this.account, this.signer),
      ...originPullRoutes(this.account),
      ipRoute,
    ];
    this.#server = serve(
      routes,
      this.token,
      () => this.isDown,
      (entry) => this.requests.push(entry),
    );
  }

  static async start(): Promise<CloudflareApi> {
    const api = new CloudflareApi();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    return api;
  }

  /** For `cloudflare:baseUrl`. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the API does not listen");
    return `http://127.0.0.1:${address.port}/client/v4`;
  }

  /** A call as a person's at the dashboard; what came into `result`. */
  async call(method: Route["method"], path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return text === "" ? undefined : at(JSON.parse(text), "result");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
    this.signer.close();
  }
}

const shownZone = (account: Account, { id, name, created }: Zone) => ({
  id,
  name,
  status: "active",
  paused: false,
  type: "full",
  development_mode: 0,
  name_servers: ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
  original_name_servers: null,
  created_on: created,
  modified_on: created,
  activated_on: created,
  account: { id: account.id, name: "a test" },
  plan: { id: "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", name: "Free Website", price: 0, legacy_id: "free" },
});

function zoneRoutes(account: Account): Route[] {
  return [
    {
      method: "GET",
      path: "/zones",
      handle: ({ query }) =>
        [...account.zones.values()]
          .filter(({ name }) => query.get("name") === null || query.get("name") === name)
          .map((zone) => shownZone(account, zone)),
    },
    {
      method: "GET",
      path: "/zones/{zone}",
      handle: ({ params }) => shownZone(account, account.zone(params["zone"])),
    },
  ];
}

const ipRoute: Route = {
  method: "GET",
  path: "/ips",
  handle: () => ({
    ipv4_cidrs: [...CLOUDFLARE_IPV4],
    ipv6_cidrs: [...CLOUDFLARE_IPV6],
    etag: "38f79d050aa027e3be3865e495dcc9bc",
  }),
};
