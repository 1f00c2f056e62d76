import { type IncomingMessage, request as httpRequest } from "node:http";

/** A request to AWS, read whole. */
export interface AwsRequest {
  readonly method: string;
  /** With its query. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface AwsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Answers a request, or leaves it (undefined) to the next. */
export type Handler = (
  request: AwsRequest,
  moto: (request: AwsRequest) => Promise<AwsAnswer>,
) => AwsAnswer | Promise<AwsAnswer> | undefined;

export async function readRequest(message: IncomingMessage): Promise<AwsRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(",") : (value ?? ""),
    ]),
  );
  // As a proxy it is asked with the whole address, whose host may be a name that no URL can have.
  const url = new URL((message.url ?? "/").replace(/^http:\/\/[^/]+/, ""), "http://localhost");
  return { method: message.method ?? "GET", url, headers, body: Buffer.concat(chunks) };
}

/** Headers but for those whose names match. */
export function without(
  headers: Readonly<Record<string, string>>,
  names: RegExp,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.test(name)));
}

/** What the request is signed for: `ec2`, `s3`, `dlm`. */
export function serviceOf({ headers }: AwsRequest): string | undefined {
  return /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(headers["authorization"] ?? "")?.[1];
}

/** The operation of a JSON API: the part of `X-Amz-Target` after its service. */
export function operationOf({ headers }: AwsRequest, service: string): string | undefined {
  const [target, operation] = (headers["x-amz-target"] ?? "").split(".");
  return target === service ? operation : undefined;
}

export function json(status: number, value: unknown, version = "1.1"): AwsAnswer {
  return {
    status,
    headers: { "content-type": `application/x-amz-json-${version}` },
    body: Buffer.from(JSON.stringify(value)),
  };
}

/** An error that an AWS client knows by its name. */
export const refusal = (status: number, type: string, message: string): AwsAnswer => ({
  status,
  headers: { "content-type": "application/json", "x-amzn-errortype": type },
  body: Buffer.from(JSON.stringify({ __type: type, message, Message: message })),
});

/** Hands a request on to a server on loopback. */
export async function forward(port: number, { method, url, headers, body }: AwsRequest): Promise<AwsAnswer> {
  return new Promise((resolve, reject) => {
    const onward = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method,
        path: url.pathname + url.search,
        headers: { ...headers, "content-length": body.length },
      },
      (answer) => {
        readRequest(answer)
          .then(({ headers: got, body: bytes }) => {
            resolve({ status: answer.statusCode ?? 502, headers: got, body: bytes });
          })
          .catch(reject);
      },
    );
    onward.on("error", reject);
    onward.end(body);
  });
}
