import assert from "node:assert/strict";

import { startLoad } from "../../support/load/load.ts";
import type { Load, Plan, Report } from "../../support/load/load.ts";
import type { Backend, Faults } from "./backend.ts";
import { startBackend } from "./backend.ts";

const get = { get: { clients: 4, pauseMs: 1 } } satisfies Plan["kinds"];

describe("load generator", () => {
  let backend: Backend;
  let load: Load | undefined;

  async function begin(faults: Faults, kinds: Plan["kinds"], more: Partial<Plan> = {}): Promise<Load> {
    backend = await startBackend(faults);
    load = await startLoad({ url: backend.url, kinds, ...more });
    return load;
  }

  /** Lets the load run until the backend has had `count` requests, then stops it. */
  async function after(count: number, running: Load): Promise<Report> {
    const limit = Date.now() + 10_000;
    while (backend.ids.length < count) {
      assert.ok(Date.now() < limit, `only ${backend.ids.length} of ${count} requests came`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return await running.stop();
  }

  /** Every request the client counted came exactly once. */
  function assertNothingRetried(report: Report): void {
    assert.equal(new Set(backend.ids).size, backend.ids.length, "an id came twice: something was retried");
    assert.equal(backend.ids.length, report.requests);
  }

  afterEach(async () => {
    load?.close();
    await backend.close();
  });

  it("counts right answers of every request kind, by colour", async () => {
    const kinds = {
      ...get,
      post: { clients: 2 },
      fresh: { clients: 2 },
      slow: { clients: 1, path: "/slow" },
    };
    const running = await begin({}, kinds);
    const report = await after(500, running);
    assert.equal(report.failed, 0, JSON.stringify(report.failures));
    assert.equal(report.byColor["blue"]?.count, report.requests);
    assertNothingRetried(report);
    for (const kind of ["get", "post", "fresh", "slow"] as const)
      assert.ok((report.perKind[kind]?.requests ?? 0) > 0);
    const writes = await running.writes();
    assert.equal(writes.length, report.perKind.post?.requests);
    assert.deepEqual(
      writes.filter((id) => !backend.ids.includes(id)),
      [],
    );
  });

  it("opens a connection for each request of the fresh kind, and keeps the others", async () => {
    const running = await begin({}, { get: { clients: 3 }, fresh: { clients: 1 } });
    const report = await after(300, running);
    assert.equal(backend.connections, 3 + (report.perKind.fresh?.requests ?? 0));
  });

  it("counts every reset and retries none", async () => {
    const report = await after(300, await begin({ reset: (n) => n % 50 === 0 }, get));
    assert.equal(report.failed, Math.floor(report.requests / 50));
    assert.match(report.failures[0]?.error ?? "", /ECONNRESET/);
    assertNothingRetried(report);
  });

  it("counts every 502", async () => {
    const report = await after(300, await begin({ status: (n) => (n % 30 === 0 ? 502 : 200) }, get));
    assert.equal(report.errors["status 502"], Math.floor(report.requests / 30));
    assert.equal(report.failed, report.errors["status 502"]);
    assertNothingRetried(report);
  });

  it("does not take a refused write for a kept one", async () => {
    const running = await begin({ status: (n) => (n % 2 === 0 ? 503 : 201) }, { post: { clients: 1 } });
    const report = await after(100, running);
    assert.equal((await running.writes()).length, report.requests - report.failed);
    assert.equal(report.failed, Math.floor(report.requests / 2));
  });

  it("counts a body that names another colour than the header", async () => {
    const report = await after(
      200,
      await begin({ bodyColor: (n) => (n % 40 === 0 ? "green" : "blue") }, get),
    );
    assert.equal(report.failed, Math.floor(report.requests / 40));
    assert.match(report.failures[0]?.error ?? "", /header says blue 1, body says green 1/);
  });

  it("counts an application that names another colour than the gateway", async () => {
    const report = await after(200, await begin({ appColor: (n) => (n % 40 === 0 ? "green" : "blue") }, get));
    assert.equal(report.failed, Math.floor(report.requests / 40));
    assert.match(report.failures[0]?.error ?? "", /header says blue 1, application says green/);
  });

  it("counts answers of a colour that should not answer", async () => {
    const report = await after(
      200,
      await begin({ color: (n) => (n === 100 ? "green" : "blue") }, get, { expect: ["blue"] }),
    );
    assert.deepEqual(report.errors, { "answered by green, expected blue": 1 });
  });

  it("allows a request under way at a flip either colour, and one sent later only the new", async () => {
    const faults = { delayMs: 300, color: (n: number): string => (n <= 4 ? "blue" : "green") };
    const running = await begin(faults, { get: { clients: 4 } }, { expect: ["blue"] });
    while (backend.ids.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    await running.expect("blue", "green");
    await running.expect("green");
    const report = await after(8, running);
    assert.deepEqual(report.errors, {});
    assert.equal(report.byColor["blue"]?.count, 4);
  });

  it("counts a connection closed without notice on a request", async () => {
    const report = await after(300, await begin({ close: (n) => n % 60 === 0 }, get));
    assert.equal(report.failed, Math.floor(report.requests / 60));
    assert.match(report.failures[0]?.error ?? "", /closed before the whole answer|ECONNRESET/);
    assertNothingRetried(report);
  });

  it("tells a connection closed while idle from a lost request", async () => {
    const kinds = { get: { clients: 1, pauseMs: 20 } };
    const report = await after(20, await begin({ closeAfter: (n) => n % 5 === 0 }, kinds));
    assert.equal(report.failed, 0, JSON.stringify(report.failures));
    assert.ok(report.closedIdle >= 3, `got ${report.closedIdle}`);
    assertNothingRetried(report);
  });

  it("counts an answer cut off in its body", async () => {
    const report = await after(200, await begin({ truncate: (n) => n % 40 === 0 }, get));
    assert.equal(report.failed, Math.floor(report.requests / 40));
  });

  it("counts a request without an answer in time", async () => {
    const report = await after(
      3,
      await begin({ delayMs: 5000 }, { get: { clients: 3 } }, { timeoutMs: 200 }),
    );
    assert.ok(report.failed >= 3);
    assert.match(report.failures[0]?.error ?? "", /no answer in 200 ms/);
  });

  it("counts refused connections", async () => {
    const running = await begin({}, get);
    await after(10, running);
    running.close();
    await backend.close();
    load = await startLoad({ url: backend.url, kinds: get });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const report = await load.stop();
    backend = await startBackend();
    assert.ok(report.requests > 0);
    assert.equal(report.failed, report.requests);
    assert.match(report.failures[0]?.error ?? "", /ECONNREFUSED/);
  });

  it("sees WebSockets and streams that are cut, and opens new ones", async () => {
    const kinds = { websocket: { clients: 2, pauseMs: 10 }, stream: { clients: 2, pauseMs: 10 } };
    const running = await begin({}, kinds);
    const opened = async (count: number): Promise<void> => {
      for (let report = await running.report(); ; report = await running.report()) {
        if (report.websockets.opened >= count && report.streams.opened >= count) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await opened(2);
    for (const socket of backend.lasting) socket.destroy();
    await opened(4);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const report = await running.stop();
    assert.deepEqual({ ...report.websockets, messages: 0 }, { opened: 4, open: 2, cut: 2, messages: 0 });
    assert.deepEqual({ ...report.streams, messages: 0 }, { opened: 4, open: 2, cut: 2, messages: 0 });
    assert.ok(report.websockets.messages >= 2, "the WebSockets spoke and were answered");
    assert.deepEqual([...new Set(report.cuts.map((cut) => cut.color))], ["blue"]);
    for (const cut of report.cuts) assert.ok(cut.cutMs > cut.openedMs);
  });

  it("sees a stream that its server ends, though the connection beneath stays", async () => {
    const running = await begin({}, { stream: { clients: 2, pauseMs: 60_000 } });
    const streams = async (): Promise<Report["streams"]> => (await running.report()).streams;
    while ((await streams()).open < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const response of backend.streams) response.end();
    while ((await streams()).open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { cuts } = await running.report();
    assert.deepEqual([...new Set(cuts.map((cut) => cut.why))], ["ended by the server"]);
  });

  it("can send at least 3,000 requests for each second of its processor time", async () => {
    const report = await after(6000, await begin({}, { get: { clients: 32 } }));
    const rate = report.requests / report.cpuSeconds;
    assert.equal(report.failed, 0, JSON.stringify(report.failures));
    assert.ok(rate >= 3000, `got ${Math.round(rate)} requests per second of processor time`);
  });

  it("refuses to send load anywhere but to loopback", async () => {
    backend = await startBackend();
    for (const url of [
      "http://example.com:80",
      "http://10.0.0.1:80",
      "http://localhost:80",
      "https://127.0.0.1:1",
    ]) {
      await assert.rejects(startLoad({ url, kinds: get }), /loopback only/);
    }
  });
});
