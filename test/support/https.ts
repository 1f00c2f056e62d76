import https from "node:https";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request over TLS; fails when there is no answer within 10 s. On a connection of its own unless an agent is given. */
export async function request({
  body: sent,
  ...options
}: https.RequestOptions & { readonly body?: string }): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const call = https.request({ agent: false, timeout: 10_000, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const headers = Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
        );
        resolve({ status: response.statusCode ?? 0, headers, body });
      });
    });
    call.on("timeout", () => call.destroy(new Error("no answer within 10 s")));
    call.on("error", reject);
    call.end(sent);
  });
}
