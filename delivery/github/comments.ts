import { z } from "zod";

export interface PullRequest {
  /** Where the REST API is: https://api.github.com, or a GitHub Enterprise server's. */
  readonly api: string;
  /** owner/name */
  readonly repository: string;
  readonly number: number;
  readonly token: string;
}

const comments = z.array(
  z.object({ id: z.number(), body: z.string().nullish(), user: z.object({ type: z.string() }).nullish() }),
);
const PAGE = 100;
const LIMIT_MS = 30_000;

/** GitHub said no; the message says what to do where that is known. Holds nothing of the request but its address. */
export class GithubError extends Error {}

async function ask(
  pr: PullRequest,
  method: "GET" | "POST" | "PATCH",
  path: string,
  body?: string,
): Promise<Response> {
  const address = `${pr.api}/repos/${pr.repository}/${path}`;
  const answer = await fetch(address, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${pr.token}`,
      "x-github-api-version": "2022-11-28",
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify({ body }) }),
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (answer.ok) return answer;
  await answer.body?.cancel();
  const why =
    answer.status === 403 || answer.status === 404
      ? "; the job needs `permissions: pull-requests: write` (a pull request from a fork never gets it)"
      : "";
  throw new GithubError(`${method} ${address} was answered ${answer.status}${why}`);
}

/** The first comment of a program that holds the marker: a person who quotes it keeps theirs. Pages are asked for until one is not full. */
async function findComment(pr: PullRequest, marker: string): Promise<number | undefined> {
  for (let page = 1; ; page += 1) {
    const answer = await ask(pr, "GET", `issues/${pr.number}/comments?per_page=${PAGE}&page=${page}`);
    const found = comments.parse(await answer.json());
    const ours = found.find(({ body, user }) => user?.type === "Bot" && body?.includes(marker) === true);
    if (ours !== undefined) return ours.id;
    if (found.length < PAGE) return undefined;
  }
}

/**
 * Writes the one comment of a pull request that holds `marker`: made the first time, changed in place afterwards.
 * @throws GithubError where GitHub refuses, with the permission that is missing
 */
export async function putComment(
  pr: PullRequest,
  marker: string,
  body: string,
): Promise<"created" | "updated"> {
  if (!body.includes(marker)) throw new Error("the comment lacks its marker: the next run would not find it");
  const id = await findComment(pr, marker);
  if (id === undefined) {
    await ask(pr, "POST", `issues/${pr.number}/comments`, body);
    return "created";
  }
  await ask(pr, "PATCH", `issues/comments/${id}`, body);
  return "updated";
}
