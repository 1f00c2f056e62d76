import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { OpType, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { parsedJson } from "../../../components/parsed-json.ts";
import { parseLedger } from "../../../components/ledger/entry.ts";
import { runsOf } from "../../../components/ledger/runs.ts";
import { edited, readConfigFile, textOf, writeConfigFile } from "../../../release/config-file.ts";
import { explain } from "../../../release/engine-run.ts";
import type { KnownHost } from "../../../release/host.ts";
import { Heard, wordOf } from "../../../release/progress.ts";
import { Failure, Refusal } from "../../../release/outcome.ts";
import { recorded, recordedOn } from "../../../release/record-run.ts";
import { type Status, renderStatus } from "../../../release/show/status.ts";
import { plainProgress } from "../../../release/terminal.ts";

describe("what a person reads", () => {
  it("of the status: the live colour, ages, and what was left in the middle", () => {
    const container = { image: "", imageId: "", release: "1", color: "blue", settings: "" };
    const status: Status = {
      ...{ stack: "dev", url: "http://127.0.0.1:8080", gateway: { live: "blue", canary: 10 } },
      believed: { state: "green", config: "blue" },
      releases: { blue: { state: "1", config: "2" }, green: { state: null, config: null } },
      differs: [
        { key: "active", file: "blue", state: "green" },
        { key: "canary", file: "10", state: "0" },
        { key: "maintenance", file: "off", state: "on (600 s)" },
      ],
      containers: [
        { ...container, name: "api-blue", health: "healthy", startedAt: "2026-01-01T00:00:00Z", restarts: 2 },
        { ...container, name: "api-green", color: "green", health: "exited", startedAt: "", restarts: 0 },
      ],
      takenBack: null,
      unfinished: [{ command: "deploy", by: "Anna", at: "2026-01-01T00:00:00Z", release: "2", since: [] }],
    };
    const text = renderStatus(status, Date.parse("2026-01-01T03:00:00Z"));
    for (const part of [
      /^live {2}blue, 10 % of visitors on the other colour$/m,
      /^api-blue +1 +healthy +3 h +restarted 2 times +← live$/m,
      /^api-green +1 +exited$/m,
      /^! deploy of release 2 by Anna began .* did not end/m,
      /^! the state says green is live, the host says blue/m,
      /^! Pulumi\.dev\.yaml is not what was brought up last \(active blue, brought up green; canary 10, brought up 0; maintenance off, brought up on \(600 s\)\)/m,
    ])
      assert.match(text, part);
    assert.doesNotMatch(text, /^maintenance/m);
    assert.match(
      renderStatus({ ...status, gateway: { live: "blue", canary: 0, maintenance: 600 } }, 0),
      /^maintenance {2}on: .* bluegreen maintenance off --stack dev lets them in$/m,
    );
    assert.match(
      renderStatus({ ...status, gateway: null }, 0),
      /^live {2}unknown: the gateway does not answer$/m,
    );
    const back = renderStatus({ ...status, takenBack: "7", differs: [] }, 0);
    assert.match(
      back,
      /^! the watch took the visitors back from release 7, .* bluegreen rollback --stack dev makes it$/m,
    );
    assert.doesNotMatch(back, /pulumi up/);
  });
});

describe("what the engine says", () => {
  const step = (op: OpType, name: string): StepEventMetadata => ({
    ...{ op, urn: `urn:pulumi:dev::p::t::${name}`, type: "command:local:Command", provider: "", keys: [] },
  });
  const diagnostic = (severity: "info" | "info#err" | "warning" | "error", message: string) => ({
    diagnosticEvent: { message, color: "never", severity },
    ...{ sequence: 1, timestamp: 1 },
  });

  it("is a step, a line or a failure; the rest is for nobody", () => {
    const at = { sequence: 1, timestamp: 1 };
    const pre = (op: OpType) => wordOf({ ...at, resourcePreEvent: { metadata: step(op, "switch-flip") } });
    assert.deepEqual(pre("update"), { kind: "begins", name: "switch-flip", what: "update" });
    for (const quiet of ["same", "read", "create-replacement"] as const) assert.equal(pre(quiet), undefined);
    assert.deepEqual(wordOf(diagnostic("info#err", "<{%reset%}>flip: blue to green<{%reset%}>\n")), {
      ...{ kind: "said", text: "flip: blue to green" },
    });
    assert.equal(wordOf(diagnostic("warning", "  "))?.kind, undefined);
    assert.equal(wordOf(diagnostic("warning", "w"))?.kind, "warned");
    assert.equal(wordOf(diagnostic("error", "e"))?.kind, "failed");
    assert.equal(wordOf(at), undefined);
  });

  it("goes to a builder's log in plain lines", () => {
    const out = new PassThrough();
    const progress = plainProgress(out);
    const heard = new Heard(progress.word);
    progress.step("update");
    heard.onEvent(diagnostic("error", "two\nlines"));
    progress.word({ kind: "ended", name: "switch-flip", what: "update" });
    progress.word({ kind: "begins", name: "switch-flip", what: "update" });
    progress.end();
    assert.equal(String(out.read()), "update\n    two\n    lines\n  update switch-flip\n");
    assert.deepEqual(heard.failures, ["two\nlines"]);
  });

  it("is explained: a lock, what failed, or its last lines", () => {
    const stack = { name: "dev" };
    const locked = explain(
      stack,
      { failures: [] },
      new Error("x\nerror: the stack is currently locked by 1 lock(s)\n"),
    );
    assert.match(locked[1], /pulumi cancel --stack dev/);
    const failed = explain(stack, { failures: ["update failed", "no such image"] }, new Error("all of it"));
    assert.equal(failed[0], "no such image");
    assert.equal(explain(stack, { failures: [] }, "a\nerror: plain\nb")[0], "error: plain");
    assert.equal(explain(stack, { failures: [] }, "a\nb")[0], "a\nb");
  });
});

describe("a command on the record", () => {
  const writing = (lines: string[]): KnownHost => ({
    directory: "/srv",
    ask: (_words, stdin = "") => {
      lines.push(stdin);
      return Promise.resolve("");
    },
  });
  const about = { command: "deploy", by: "Anna", release: "3" };

  it("begins and ends, well or with its reason", async () => {
    const lines: string[] = [];
    const host = writing(lines);
    const told = (): void => assert.fail("nothing to warn of");
    await recorded(host, about, told, () => Promise.resolve({ milliseconds: { update: 7.6 } }));
    await assert.rejects(
      recorded(host, about, told, () => Promise.reject(new Error("no such image"))),
      /no such image/,
    );
    const entries = parseLedger(lines.join("\n"));
    assert.deepEqual(
      entries.map((entry) =>
        entry.event === "ended" ? [entry.ok, entry.reason, entry.milliseconds] : entry.event,
      ),
      ["began", [true, undefined, { update: 8 }], "began", [false, "no such image", {}]],
    );
  });

  it("says what it is about to release, and where it fails what it took until then and could not put back", async () => {
    const lines: string[] = [];
    const told = (): void => assert.fail("nothing to warn of");
    const release = { run: "r", color: "green", images: { api: "app:3" }, commit: "1a2b" } as const;
    await assert.rejects(
      recorded(writing(lines), { ...about, ...release }, told, (soFar) => {
        soFar.milliseconds["plan"] = 4.4;
        soFar.left = "green could not be put back: pulumi up --stack dev";
        return Promise.reject(new Failure("unhealthy"));
      }),
      Failure,
    );
    const refusal = new Refusal("not carried out", "again");
    await assert.rejects(
      recorded(writing(lines), about, told, () => Promise.reject(refusal)),
      Refusal,
    );
    const [began, failed, , refused] = parseLedger(lines.join("\n"));
    assert.ok(began?.event === "began" && failed?.event === "ended" && refused?.event === "ended");
    assert.deepEqual([began.run, began.color, began.images, began.commit], Object.values(release));
    assert.deepEqual(
      [failed.run, failed.milliseconds, failed.left, failed.refused],
      ["r", { plan: 4 }, "green could not be put back: pulumi up --stack dev", undefined],
    );
    assert.deepEqual([refused.refused, refused.left], [true, undefined]);
  });

  it("that goes on after its end ends once more, with what both took or why it failed", async () => {
    const lines: string[] = [];
    const told = (): void => assert.fail("nothing to warn of");
    const on = { ...about, run: "r" };
    const host = writing(lines);
    const first = await recorded(host, on, told, () => Promise.resolve({ milliseconds: { plan: 1 } }));
    await recordedOn(host, on, told, first, () => Promise.resolve({ milliseconds: { plan: 1, steps: 2 } }));
    const [run] = runsOf(parseLedger(lines.join("\n")));
    assert.deepEqual([run?.run.ended?.ok, run?.run.ended?.milliseconds], [true, { plan: 1, steps: 2 }]);
    await assert.rejects(recordedOn(host, on, told, first, () => Promise.reject(new Failure("taken back"))));
    const [taken] = runsOf(parseLedger(lines.join("\n")));
    assert.deepEqual(
      [taken?.run.ended?.ok, taken?.run.ended?.reason, taken?.run.ended?.milliseconds],
      [false, "taken back", { plan: 1 }],
    );
  });

  it("goes on where the ledger cannot be written, and says so", async () => {
    const warned: string[] = [];
    const full: KnownHost = { directory: "/srv", ask: () => Promise.reject(new Error("is the disk full?")) };
    await recorded(
      full,
      about,
      (text) => warned.push(text),
      () => Promise.resolve({ milliseconds: {} }),
    );
    assert.deepEqual(warned, Array(2).fill("the ledger could not be written: is the disk full?"));
  });
});

describe("a stack's config file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "config-file-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const TEXT = `config:
  # whose turn it is
  bluegreen:active: blue
  other:key: kept
  bluegreen:green: { release: "2" }
`;

  it("is edited in place: comments, order and other keys stay", async () => {
    const path = join(folder, "Pulumi.dev.yaml");
    await writeFile(path, TEXT);
    const file = await readConfigFile(folder, "bluegreen", "dev");
    assert.deepEqual(file.values, { active: "blue", green: { release: "2" } });
    await writeConfigFile(path, edited(file, "bluegreen", { active: "green", green: undefined, canary: 10 }));
    assert.equal(
      await readFile(path, "utf8"),
      "config:\n  # whose turn it is\n  bluegreen:active: green\n  other:key: kept\n  bluegreen:canary: 10\n",
    );
  });

  it("is refused where it is missing or broken, and begun where it is empty", async () => {
    await assert.rejects(readConfigFile(folder, "bluegreen", "dev"), /there is no stack dev here/);
    await writeFile(join(folder, "Pulumi.dev.yaml"), "config: [");
    await assert.rejects(readConfigFile(folder, "bluegreen", "dev"), /cannot be read/);
    assert.equal(
      edited({ path: "p", text: "" }, "bluegreen", { active: "blue" }),
      "config:\n  bluegreen:active: blue\n",
    );
  });

  it("has values that a person can read", () => {
    assert.deepEqual(
      [textOf(undefined), textOf(null), textOf(7), textOf(["a"])],
      [undefined, undefined, "7", '["a"]'],
    );
    assert.equal(parsedJson("hunter2"), undefined);
  });
});
