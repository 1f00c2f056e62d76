import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { setMockOptions } from "@pulumi/pulumi/runtime/settings.js";
import type { StackRecord } from "../../components/slot/record.ts";

/** One resource as the program asked the engine for it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Names of the resources it waits for; children count for their component. */
  readonly dependsOn: readonly string[];
  readonly protect: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly replaceOnChanges: readonly string[];
  readonly ignoreChanges: readonly string[];
}

export interface ProgramRun {
  readonly registrations: readonly Registration[];
}

export interface ProgramArgs {
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  readonly record?: StackRecord;
  readonly preview?: boolean;
}

/** What this project's program needs of the engine's request. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getDependenciesList(): string[];
  getProtect(): boolean;
  getDeletebeforereplace(): boolean;
  getReplaceonchangesList(): string[];
  getIgnorechangesList(): string[];
}

const REPORT = "live blue\nprevious none\nflipped true\nswitchedAt 2026-01-01T00:00:00Z\n";
let runs = 0;

class RecordingMonitor extends MockMonitor {
  readonly seen = new Map<string, Omit<Registration, "inputs">>();

  override async registerResource(
    request: RegisterRequest,
    callback: Parameters<MockMonitor["registerResource"]>[1],
  ): Promise<void> {
    this.seen.set(`${request.getType()} ${request.getName()}`, {
      type: request.getType(),
      name: request.getName(),
      dependsOn: request.getDependenciesList().map((urn) => urn.replace(/^.*::/, "")),
      protect: request.getProtect(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      replaceOnChanges: request.getReplaceonchangesList(),
      ignoreChanges: request.getIgnorechangesList(),
    });
    await super.registerResource(request, callback);
  }

  // The SDK's mock monitor says that it knows hooks and lacks the call (3.270): every resource would wait for ever.
  registerResourceHook(_request: unknown, callback: (error: null, response: object) => void): void {
    callback(null, {});
  }
}

/**
 * Runs index.ts against the SDK's mocks, with a Docker socket that knows nothing but its version, and returns what it
 * asked for. Proves wiring only: no engine decides here what changes.
 */
export async function runProgram({
  stack,
  config,
  record,
  preview = false,
}: ProgramArgs): Promise<ProgramRun> {
  const directory = mkdtempSync(join(tmpdir(), "program-"));
  const socket = join(directory, "docker.sock");
  const engine = createServer((_, answer) => answer.end('{"ApiVersion":"1.41"}')).listen(socket);
  const inputs = new Map<string, Readonly<Record<string, unknown>>>();
  const mocks: pulumi.runtime.Mocks = {
    newResource: (args) => {
      if (args.type === "pulumi:pulumi:StackReference") {
        return {
          id: "self",
          state: { outputs: record === undefined ? {} : { record }, secretOutputNames: ["record"] },
        };
      }
      const plain = args.inputs as Readonly<Record<string, unknown>>;
      const comparable: unknown = JSON.parse(JSON.stringify(plain).replaceAll(directory, ""));
      inputs.set(`${args.type} ${args.name}`, comparable as Readonly<Record<string, unknown>>);
      return {
        id: `${args.name}-id`,
        state: { ...plain, stdout: args.name === "switch-flip" ? REPORT : "" },
      };
    },
    call: ({ token }) => {
      throw new Error(`the program called ${token}, which this test does not know`);
    },
  };
  const monitor = new RecordingMonitor(mocks);
  try {
    // The first call turns the SDK's features on, the second one puts the recording monitor in its place.
    await pulumi.runtime.setMocks(mocks, "bluegreen", stack, preview, "organization");
    setMockOptions(monitor, "bluegreen", stack, preview, "organization");
    const withSocket = { ...config, host: config["host"]?.replace("SOCKET", `unix://${socket}`) ?? "" };
    pulumi.runtime.setAllConfig(
      Object.fromEntries(Object.entries(withSocket).map(([key, value]) => [`bluegreen:${key}`, value])),
    );
    await import(`../../index.ts?run=${++runs}`);
    await pulumi.runtime.disconnect();
    return {
      registrations: [...monitor.seen].map(([key, rest]) => ({ ...rest, inputs: inputs.get(key) ?? {} })),
    };
  } finally {
    engine.close();
    rmSync(directory, { recursive: true });
  }
}
