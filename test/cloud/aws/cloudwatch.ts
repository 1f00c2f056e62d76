import { decodeCbor, encodeCbor } from "./cbor.ts";
import { type AwsAnswer, type AwsRequest, type Handler, without } from "./front-http.ts";

const PATH = /^\/service\/GraniteServiceVersion20100801\/operation\/(\w+)$/;

/** AWS's Go client speaks Smithy's rpc-v2-cbor to CloudWatch, moto its JSON: this translates, and moto answers. */
export const cloudwatch: Handler = (request, moto) => {
  const operation = PATH.exec(request.url.pathname)?.[1];
  if (operation === undefined) return undefined;
  return moto(asJson(request, operation)).then(asCbor);
};

function asJson(request: AwsRequest, operation: string): AwsRequest {
  const input = request.body.length === 0 ? {} : decodeCbor(request.body);
  return {
    method: "POST",
    url: new URL("/", request.url),
    headers: {
      ...without(request.headers, /^(smithy-protocol|accept)$/),
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `GraniteServiceVersion20100801.${operation}`,
    },
    body: Buffer.from(JSON.stringify(input)),
  };
}

function asCbor({ status, body }: AwsAnswer): AwsAnswer {
  const text = body.toString();
  return {
    status,
    headers: { "content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor" },
    body: encodeCbor(text === "" ? {} : JSON.parse(text)),
  };
}
