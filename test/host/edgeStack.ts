import { readFile, writeFile } from "node:fs/promises";
import type https from "node:https";

import type { GatewaySettings } from "../../components/gateway/settings.ts";
import { parseClientPair } from "../../components/edge/cloudflare/client-pair.ts";
import { type Answer, request } from "../support/https.ts";
import { type Result, run, runOk } from "../support/process.ts";
import { GATEWAY_IMAGE, GatewayStack } from "./gatewayStack.ts";

export const HOSTNAME = "app.example.com";

/** A client certificate and its key. */
export interface Client {
  readonly cert: string;
  readonly key: string;
}

/** `certificates.sh DIR VERB …` of a stack; `rest` follows the host name. */
export async function certificates(
  stack: GatewayStack,
  verb: string,
  label: string,
  input = "",
): Promise<Result> {
  const gateway = [stack.container("gateway"), GATEWAY_IMAGE];
  const rest = {
    request: [],
    install: gateway,
    "self-signed": ["365", ...gateway],
    clients: ["365", ...gateway],
  };
  const more = Object.entries(rest).find(([name]) => name === verb)?.[1] ?? [];
  return await run(stack.at("bin/certificates.sh"), [stack.directory, verb, label, HOSTNAME, ...more], {
    input,
  });
}

/** The client certificate that `clients LABEL` made. */
export function clientOf({ stdout }: Result): Client {
  const { certificate, privateKey } = parseClientPair(stdout);
  return { cert: certificate, key: privateKey };
}

/** An authority of the test's own: what Cloudflare's Origin CA is to a stack. */
export class Authority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async make(): Promise<void> {
    const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key";
    await this.#openssl(`req -x509 ${key} -out ca.pem -days 30 -subj /CN=authority`);
  }

  get certificate(): Promise<string> {
    return readFile(`${this.#folder}/ca.pem`, "utf8");
  }

  /** What is signed for a request; fewer `days` than none have passed already. */
  async sign(request: string, { days = 90, hostname = HOSTNAME } = {}): Promise<string> {
    await writeFile(`${this.#folder}/request.pem`, request);
    await writeFile(`${this.#folder}/names`, `subjectAltName=DNS:${hostname}\n`);
    const signer = "-CA ca.pem -CAkey ca.key -extfile names";
    return await this.#openssl(`x509 -req -in request.pem ${signer} -days ${days}`);
  }

  async #openssl(words: string): Promise<string> {
    return (await runOk("openssl", words.split(" "), { cwd: this.#folder })).stdout;
  }
}

/** One request over TLS, on a connection of its own unless an agent is given. */
export async function ask(
  stack: GatewayStack,
  where: string,
  options: https.RequestOptions & { readonly client?: Client } = {},
): Promise<Answer> {
  const { client, ...rest } = options;
  const to = { host: "127.0.0.1", port: stack.port, path: where };
  return await request({ ...to, servername: HOSTNAME, rejectUnauthorized: false, ...client, ...rest });
}

/** A gateway that speaks TLS, both colours behind it, blue live. */
export async function edgeStack(
  settings: Partial<GatewaySettings>,
  prepare: (stack: GatewayStack) => Promise<void>,
): Promise<GatewayStack> {
  const stack = await GatewayStack.make(settings, prepare);
  await stack.setState("blue");
  return stack;
}
