import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "./App.tsx";

const answers = new Map<string, () => Response>();

beforeEach(() => {
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) => {
    const answer = answers.get(`${init?.method ?? "GET"} ${path}`);
    return answer === undefined ? Promise.reject(new TypeError("no answer")) : Promise.resolve(answer());
  });
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  answers.clear();
});

/** Time goes by, and what React had to show for it is shown: its own scheduler runs on no clock of the test's. */
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

const live = (release: string, color: string) => {
  answers.set("GET /version", () => Response.json({ release, color }));
};

describe("the page", () => {
  it("says its own release, and that it is live", async () => {
    live("42", "blue");
    render(<App release="42" />);
    expect(screen.getByRole("heading").textContent).toBe("Release 42");
    expect(await screen.findByText("it is live, on blue")).toBeTruthy();
    expect(screen.getByRole("main").className).toBe("blue");
    expect(screen.getByRole("contentinfo").textContent).toBe("pages built for dev");
  });

  it("goes on through a flip, and says which release is live now", async () => {
    vi.useFakeTimers();
    live("42", "blue");
    render(<App release="42" />);
    await pass(0);
    live("43", "green");
    await pass(3000);
    expect(screen.getByRole("status").textContent).toMatch(/^release 43 is live now, on green/);
  });

  it("keeps what it knows while the API does not answer", async () => {
    vi.useFakeTimers();
    live("42", "blue");
    render(<App release="42" />);
    await pass(0);
    answers.clear();
    await pass(9000);
    expect(screen.getByRole("status").textContent).toBe("it is live, on blue");
  });

  it("asks for jobs and counts them, in a part that it loads when it is asked to", async () => {
    live("42", "blue");
    answers.set("POST /jobs", () => Response.json({ enqueued: 10 }, { status: 202 }));
    answers.set("GET /jobs", () => Response.json({ done: 7, repeated: 0 }));
    render(<App release="42" />);
    fireEvent.click(screen.getByText("Jobs"));
    fireEvent.click(await screen.findByText("Enqueue ten"));
    expect(await screen.findByText("10 jobs are enqueued")).toBeTruthy();
    fireEvent.click(screen.getByText("Count"));
    expect(await screen.findByText("7 jobs are done")).toBeTruthy();
  });

  it("says so when the queue does not answer", async () => {
    answers.set("POST /jobs", () => new Response(null, { status: 503 }));
    render(<App release="42" />);
    fireEvent.click(screen.getByText("Jobs"));
    fireEvent.click(await screen.findByText("Enqueue ten"));
    expect(await screen.findByText("the API answers 503")).toBeTruthy();
  });
});
