import http from "node:http";

/** One question to a gateway's control socket; what it answered. Throws unless that was 200. */
export function askSocket(socketPath: string, method: string, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // A connection of its own: a kept one would be answered by the worker it was made to, after a reload an old one.
    const options = { socketPath, method, path: target, timeout: 5000, agent: false };
    const request = http.request(options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${method} ${target}: ${response.statusCode ?? 0} ${body}`));
      });
    });
    request.on("timeout", () => request.destroy(new Error(`${method} ${target}: no answer in 5 s`)));
    request.on("error", reject);
    request.end();
  });
}
