import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { budgets } from "./aws/budgets.ts";
import { buckets } from "./aws/buckets.ts";
import { cloudwatch } from "./aws/cloudwatch.ts";
import { dlm } from "./aws/dlm.ts";
import { ec2Gaps } from "./aws/ec2-gaps.ts";
import { type AwsRequest, type Handler, forward, readRequest, serviceOf, without } from "./aws/front-http.ts";
import { IMAGES, type Image, images } from "./aws/images.ts";
import { Moto } from "./aws/moto.ts";

/** The account that moto plays. */
export const ACCOUNT = "123456789012";

/** One call of the provider, as the front saw it. */
export interface AwsCall {
  readonly service: string;
  readonly operation: string;
  readonly status: number;
}

/**
 * AWS's API on loopback: moto, and in front of it what moto lacks (`test/cloud/aws/`). Lifecycle policies and budgets are
 * kept by the front alone, so nothing about them is proof of AWS; the rest is as good as moto is.
 *
 * It is a proxy too: the s3control client asks at `<account>.<host>`, a name that no resolver on a machine without the
 * internet knows.
 */
export class AwsFront {
  readonly calls: AwsCall[] = [];
  /** What the image channels of Ubuntu and Debian lead to. */
  newestImage: Image = IMAGES[0];
  /** What has to be done with an instance's machine before AWS can say that it is stopped; once each. */
  readonly beforeStop = new Map<string, () => Promise<void>>();
  readonly #moto: Moto;
  readonly #server: Server;
  readonly #handlers: readonly Handler[] = [
    cloudwatch,
    dlm(),
    budgets(),
    images(() => this.newestImage),
    ec2Gaps(),
    buckets,
  ];

  private constructor(moto: Moto) {
    this.#moto = moto;
    this.#server = createServer((message, response) => {
      this.#answer(message, response).catch((error: unknown) => {
        // A mistake here must not look like AWS's: no client tries this one again.
        response.writeHead(400).end(String(error));
      });
    });
  }

  static async start(): Promise<AwsFront> {
    const front = new AwsFront(await Moto.start());
    front.#server.listen(0, "127.0.0.1");
    await once(front.#server, "listening");
    return front;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the AWS front does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message);
    await this.#stop(request);
    const moto = (onward: AwsRequest) => forward(this.#moto.port, onward);
    let answer = undefined;
    for (const handler of this.#handlers) {
      answer = await handler(request, moto);
      if (answer !== undefined) break;
    }
    answer ??= await moto(request);
    this.calls.push({
      service: serviceOf(request) ?? "",
      operation: operationNamed(request),
      status: answer.status,
    });
    // One body, whole: how moto cut it up is its own affair.
    const headers = without(answer.headers, /^(transfer-encoding|content-length|connection)$/);
    response.writeHead(answer.status, { ...headers, "content-length": answer.body.length });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }

  async #stop(request: AwsRequest): Promise<void> {
    if (operationNamed(request) !== "StopInstances") return;
    for (const [key, instance] of new URLSearchParams(request.body.toString())) {
      const stop = key.startsWith("InstanceId.") ? this.beforeStop.get(instance) : undefined;
      this.beforeStop.delete(instance);
      await stop?.();
    }
  }

  /** A call of the Query API (EC2, IAM, SNS) as a person's at the console; the XML that came back. */
  async query(
    service: string,
    region: string,
    action: string,
    params: Record<string, string>,
  ): Promise<string> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=person/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      },
      body: new URLSearchParams({ Action: action, Version: VERSIONS[service] ?? "", ...params }).toString(),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${service} ${action}: ${text}`);
    return text;
  }

  /** What moto said, for a failure's message. */
  get log(): string {
    return this.#moto.log;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
    await this.#moto.stop();
  }
}

const VERSIONS: Readonly<Record<string, string>> = {
  ec2: "2016-11-15",
  iam: "2010-05-08",
  sns: "2010-03-31",
};

/** `RunInstances`, `GetParameter`, or method and path where the service has no names for what is asked. */
function operationNamed({ method, url, headers, body }: AwsRequest): string {
  const target = headers["x-amz-target"]?.split(".")[1];
  const path = /\/operation\/(\w+)$/.exec(url.pathname)?.[1];
  const action = /(?:^|&)Action=(\w+)/.exec(body.subarray(0, 4096).toString())?.[1];
  return target ?? path ?? action ?? `${method} ${url.pathname}${url.search}`;
}
