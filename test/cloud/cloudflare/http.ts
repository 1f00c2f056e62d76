import { type IncomingMessage, type Server, createServer } from "node:http";
import type { z } from "zod";

/** An error as Cloudflare answers it: in the envelope, with its own number. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Call {
  /** What the parts of the route's path in braces stand for. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `/zones/{zone}/settings/{setting}`. */
  readonly path: string;
  /** What comes into `result`; undefined answers 204 without a body. */
  readonly handle: (call: Call) => unknown;
}

/** The request's body in the shape wanted, or the error with which Cloudflare refuses what it cannot read. */
export function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ApiError(400, 10014, `could not read the request: ${problems.join("; ")}`);
}

interface Matched {
  readonly route: Route;
  readonly params: Record<string, string>;
}

function match(routes: readonly Route[], method: string, path: string): Matched | undefined {
  for (const route of routes) {
    if (route.method !== method) continue;
    const wanted = route.path.split("/");
    const got = path.split("/");
    if (wanted.length !== got.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const value = got[index] ?? "";
      if (!part.startsWith("{")) return part === value;
      params[part.slice(1, -1)] = decodeURIComponent(value);
      return value !== "";
    });
    if (fits) return { route, params };
  }
  return undefined;
}

/** @throws ApiError as Cloudflare does: a token of the wrong form is another mistake than a wrong one. */
function checkToken(authorization: string | undefined, token: string): void {
  if (!/^Bearer [0-9A-Za-z_-]{40,80}$/.test(authorization ?? ""))
    throw new ApiError(400, 6003, "Invalid request headers: 6111 Invalid format for Authorization header");
  if (authorization !== `Bearer ${token}`) throw new ApiError(403, 9109, "Invalid access token");
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 6007, "Malformed JSON in request body");
  }
}

/** A list is answered with the numbers by which the client asks for its next page. */
function pageOf(result: unknown, query: URLSearchParams): { result: unknown; result_info?: object } {
  if (!Array.isArray(result)) return { result };
  const page = Number(query.get("page") ?? 1);
  const perPage = Number(query.get("per_page") ?? 100);
  const shown: unknown[] = result.slice((page - 1) * perPage, page * perPage);
  return {
    result: shown,
    result_info: {
      page,
      per_page: perPage,
      count: shown.length,
      total_count: result.length,
      total_pages: Math.ceil(result.length / perPage),
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: object | undefined;
}

async function answer(routes: readonly Route[], token: string, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://localhost");
  try {
    const body = await readBody(request);
    checkToken(request.headers.authorization, token);
    const found = match(routes, request.method ?? "", url.pathname);
    if (found === undefined)
      throw new ApiError(404, 7000, `No route for that URI: ${request.method} ${url.pathname}`);
    const result = found.route.handle({ params: found.params, query: url.searchParams, body });
    if (result === undefined) return { status: 204, body: undefined };
    const page = pageOf(result, url.searchParams);
    return { status: 200, body: { success: true, errors: [], messages: [], ...page } };
  } catch (error) {
    // A mistake in this file is a 500, which the provider tries again; it must not look like a refusal.
    const { status, code } = error instanceof ApiError ? error : { status: 500, code: 10000 };
    const message = error instanceof Error ? error.message : String(error);
    return {
      status,
      body: { success: false, errors: [{ code, message }], messages: [], result: null },
    };
  }
}

export interface Logged {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A server of these routes under `/client/v4`, on loopback; each answer is told to `log`. */
export function serve(
  routes: readonly Route[],
  token: string,
  isDown: () => boolean,
  log: (entry: Logged) => void,
): Server {
  const base = "/client/v4";
  const under = routes.map((route) => ({ ...route, path: base + route.path }));
  return createServer((request, response) => {
    if (isDown()) {
      response.writeHead(503).end("upstream connect error");
      return;
    }
    void answer(under, token, request).then(({ status, body }) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname.replace(base, "");
      log({ method: request.method ?? "", path, status });
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
}
