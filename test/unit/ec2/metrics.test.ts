import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { type IncomingMessage, type Server, createServer } from "node:http";
import { run } from "../../support/process.ts";

const ROLE = { AccessKeyId: "AKIDEXAMPLE", SecretAccessKey: "wJalr/secret+key", Token: "token/with+signs==" };

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The signature that AWS would compute of a request (Signature Version 4), over the headers it says it signed. */
function signatureOf({ method, url, headers, body }: Seen): string {
  const [, credential = "", signed = ""] =
    /Credential=([^,]+), ?SignedHeaders=([^,]+)/.exec(headers.authorization ?? "") ?? [];
  const [, date = "", region = "", service = ""] = credential.split("/");
  const canonicalHeaders = signed.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, url, "", canonicalHeaders.join(""), signed, sha256(body)].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, sha256(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${ROLE.SecretAccessKey}`,
  );
  return hmac(key, toSign).toString("hex");
}

describe("an EC2 host's metrics", () => {
  let server: Server;
  let address: string;
  let seen: Seen[];
  let status: number;

  before(async () => {
    server = createServer((request, answer) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
        if (url === "/latest/api/token") answer.end("metadata-token");
        else if (headers["x-aws-ec2-metadata-token"] !== "metadata-token" && url !== "/")
          answer.writeHead(401).end();
        else if (url.endsWith("/security-credentials/")) answer.end("host-role");
        else if (url.endsWith("/host-role"))
          answer.end(JSON.stringify(ROLE, undefined, 2).replaceAll('":', '" :'));
        else answer.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    address = `http://127.0.0.1:${bound.port}`;
  });
  after(() => server.close());
  beforeEach(() => {
    seen = [];
    status = 200;
  });

  const report = () =>
    run("sh", ["components/host/ec2/metrics.sh", "eu-central-1", "Bluegreen", "bluegreen-prod", "/"], {
      env: { ...process.env, BLUEGREEN_IMDS: address, BLUEGREEN_MONITORING: address },
    });

  it("reach CloudWatch in one request that is signed as AWS checks it, by the machine's role", async () => {
    const { code, output } = await report();
    assert.equal(code, 0, output);
    assert.equal(output, "");
    assert.deepEqual(
      seen.map(({ method }) => method),
      ["PUT", "GET", "GET", "POST"],
    );
    const sent = seen.at(-1);
    assert.ok(sent);
    assert.match(
      sent.headers.authorization ?? "",
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/monitoring\/aws4_request/,
    );
    assert.equal(/Signature=(\w+)/.exec(sent.headers.authorization ?? "")?.[1], signatureOf(sent));
    assert.equal(sent.headers["x-amz-security-token"], ROLE.Token);
  });

  it("say how full the fullest disk is and how much memory there is, under the stack's name", async () => {
    await report();
    const form = new URLSearchParams(seen.at(-1)?.body);
    assert.equal(form.get("Action"), "PutMetricData");
    assert.equal(form.get("Namespace"), "Bluegreen");
    for (const [n, name] of [
      [1, "DiskUsedPercent"],
      [2, "MemoryAvailablePercent"],
    ] as const) {
      const of = (field: string) => form.get(`MetricData.member.${n}.${field}`);
      assert.equal(of("MetricName"), name);
      assert.equal(of("Unit"), "Percent");
      assert.deepEqual(
        [of("Dimensions.member.1.Name"), of("Dimensions.member.1.Value")],
        ["Stack", "bluegreen-prod"],
      );
      assert.ok(Number(of("Value")) > 0 && Number(of("Value")) <= 100, `${name} ${of("Value") ?? ""}`);
    }
  });

  it("fail where they are refused, so that the timer's log says so and the alarm of silence comes", async () => {
    status = 403;
    const { code, output } = await report();
    assert.notEqual(code, 0);
    assert.match(output, /403/);
    assert.doesNotMatch(output, /secret/);
  });
});
