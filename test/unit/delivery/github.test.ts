import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PullRequest, putComment } from "../../../delivery/github/comments.ts";
import { renderNotice, renderOutputs, writeOutputs } from "../../../delivery/github/outputs.ts";
import { readEvents } from "../../../delivery/preview/events.ts";
import { planOf } from "../../../delivery/preview/plan.ts";
import { run } from "../../support/process.ts";
import { SUMMARY, stackEvents, streamed } from "./events.ts";

const MARKER = "<!-- ours -->";
const TOKEN = "ghs_secret";

interface Comment {
  readonly id: number;
  body: string | null;
  readonly user: { readonly type: string } | null;
}

/** GitHub's comments as its REST API gives them, in pages. */
class Github {
  comments: Comment[] = [];
  readonly asked: string[] = [];
  /** Answered instead, where it is set. */
  refuses: { readonly method: string; readonly status: number } | undefined;
  readonly #server: Server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      this.asked.push(`${method} ${url}`);
      const answer = (status: number, body: unknown) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      if (request.headers.authorization !== `Bearer ${TOKEN}`) answer(401, { message: "Bad credentials" });
      else if (this.refuses?.method === method)
        answer(this.refuses.status, { message: "Resource not accessible" });
      else answer(...this.#handle(method, new URL(url, "http://x"), text));
    });
  });

  #handle(method: string, { pathname, searchParams }: URL, text: string): [number, unknown] {
    const body = (): string => (JSON.parse(text) as { body: string }).body;
    const size = Number(searchParams.get("per_page"));
    const from = (Number(searchParams.get("page")) - 1) * size;
    if (method === "GET" && pathname === "/repos/o/r/issues/7/comments")
      return [200, this.comments.slice(from, from + size)];
    if (method === "POST" && pathname === "/repos/o/r/issues/7/comments") {
      this.comments.push({ id: 1000, body: body(), user: { type: "Bot" } });
      return [201, {}];
    }
    const found = this.comments.find(({ id }) => pathname === `/repos/o/r/issues/comments/${id}`);
    if (method !== "PATCH" || found === undefined) return [404, { message: "Not Found" }];
    found.body = body();
    return [200, {}];
  }

  async start(): Promise<PullRequest> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return { api: `http://127.0.0.1:${port}`, repository: "o/r", number: 7, token: TOKEN };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

describe("the pull request's one comment", () => {
  let github: Github;
  let pr: PullRequest;
  beforeEach(async () => {
    github = new Github();
    pr = await github.start();
  });
  afterEach(() => github.stop());

  const others = (count: number): Comment[] =>
    Array.from({ length: count }, (_, id) => ({ id, body: `comment ${id}`, user: { type: "User" } }));

  it("is made the first time, and changed in place afterwards", async () => {
    github.comments = others(3);
    assert.equal(await putComment(pr, MARKER, `${MARKER} one`), "created");
    assert.equal(await putComment(pr, MARKER, `${MARKER} two`), "updated");
    assert.deepEqual(
      github.comments.slice(3).map(({ body }) => body),
      [`${MARKER} two`],
    );
  });

  it("is found on a later page", async () => {
    github.comments = [...others(230), { id: 900, body: `${MARKER} old`, user: { type: "Bot" } }];
    assert.equal(await putComment(pr, MARKER, `${MARKER} new`), "updated");
    assert.equal(github.comments.at(-1)?.body, `${MARKER} new`);
    assert.equal(github.asked.filter((one) => one.startsWith("GET")).length, 3);
  });

  it("is made after a page that is exactly full", async () => {
    github.comments = others(100);
    assert.equal(await putComment(pr, MARKER, `${MARKER} one`), "created");
  });

  it("leaves a person's alone who quotes the marker, and one without a body or a user", async () => {
    github.comments = [
      { id: 1, body: `look: ${MARKER}`, user: { type: "User" } },
      { id: 2, body: null, user: null },
    ];
    assert.equal(await putComment(pr, MARKER, `${MARKER} one`), "created");
    assert.equal(github.comments[0]?.body, `look: ${MARKER}`);
  });

  for (const [method, status] of [
    ["POST", 403],
    ["GET", 404],
  ] as const)
    it(`names the permission that is missing (${method} answered ${status}), and not the token`, async () => {
      github.refuses = { method, status };
      await assert.rejects(putComment(pr, MARKER, MARKER), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`${method} .* was answered ${status}; .*pull-requests: write`),
        );
        assert.doesNotMatch(error.message, new RegExp(TOKEN));
        return true;
      });
    });

  it("says what GitHub answered where it is another thing", async () => {
    await assert.rejects(putComment({ ...pr, token: "x" }, MARKER, MARKER), /was answered 401$/);
  });

  it("is never written without its marker", async () => {
    await assert.rejects(putComment(pr, MARKER, "one"), /lacks its marker/);
    assert.deepEqual(github.asked, []);
  });
});

describe("npm run delivery", function () {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "delivery-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const delivery = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, ["delivery/main.ts", ...words], { env: { ...process.env, ...env } });

  it("comments with the plans of a folder, by the token of its environment", async () => {
    const github = new Github();
    const { api } = await github.start();
    try {
      const plan = planOf("prod", readEvents(streamed([...stackEvents(null, {}), SUMMARY])), "blue");
      writeFileSync(join(folder, "plan-prod.json"), JSON.stringify(plan));
      const words = [
        "--pull-request",
        "7",
        "--commit",
        "0123456789ab",
        "--repository",
        "o/r",
        "--plans",
        folder,
      ];
      const { code, output } = await delivery(["comment", ...words], {
        GITHUB_API_URL: api,
        GITHUB_TOKEN: TOKEN,
      });
      assert.equal(code, 0, output);
      assert.match(
        github.comments[0]?.body ?? "",
        /\| dev \| \*\*no plan\*\*[^]*\| prod \| nothing \(0 same\)/,
      );
      assert.doesNotMatch(output, new RegExp(TOKEN));
    } finally {
      await github.stop();
    }
  });

  it("gives the stack of a push to the workflow, and ends with an error for any other ref", async () => {
    const file = join(folder, "outputs");
    const good = await delivery(["stack-of", "--ref", "refs/heads/main", "--output", file]);
    assert.deepEqual([good.code, readFileSync(file, "utf8")], [0, "stack=prod\n"]);
    const bad = await delivery(["stack-of", "--ref", "refs/heads/topic", "--output", file]);
    assert.deepEqual([bad.code, bad.output], [1, "stack-of: refs/heads/topic deploys to no stack\n"]);
  });

  it("says what there is, and which option is missing", async () => {
    const unknown = await delivery(["deploy"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.output, /^usage: /);
    const missing = await delivery(["comment"]);
    assert.equal(missing.code, 1);
    assert.match(missing.output, /--plans is missing/);
  });
});

describe("a step's outputs", () => {
  it("are lines, and no value makes a second one", () => {
    assert.equal(renderOutputs({ stack: "dev", image: "a@sha256:b" }), "stack=dev\nimage=a@sha256:b\n");
    assert.throws(() => renderOutputs({ image: "a\nstack=prod" }), /the output image has more than one line/);
  });
  it("stand beside what people are to see, which a workflow shows on the run's own page", () => {
    assert.equal(renderNotice("skipped", undefined), "skipped\n");
    assert.equal(renderNotice("a\n::error::b", "outputs"), "::notice::a ::error::b\n");
  });
  it("are added to the workflow's file", () => {
    const folder = mkdtempSync(join(tmpdir(), "outputs-"));
    try {
      const file = join(folder, "outputs");
      writeOutputs({ a: "1" }, file);
      writeOutputs({ b: "2" }, file);
      assert.equal(readFileSync(file, "utf8"), "a=1\nb=2\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
