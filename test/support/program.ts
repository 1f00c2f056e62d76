import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { awaitFeatureSupport, setMockOptions } from "@pulumi/pulumi/runtime/settings.js";
import { setStackResource } from "@pulumi/pulumi/runtime/state.js";
import type { StackRecord } from "../../components/slot/record.ts";

declare module "@pulumi/pulumi/runtime/settings.js" {
  /** Asks the monitor what it knows; the SDK exports it and leaves it out of its types. */
  export function awaitFeatureSupport(): Promise<void>;
}

declare module "@pulumi/pulumi/runtime/state.js" {
  /** What the stack's own resource is; the SDK exports it and leaves it out of its types. */
  export function setStackResource(stack: pulumi.Resource): void;
}

/** One resource as the program asked the engine for it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The inputs that hold something secret, marked as such on their way to the engine. */
  readonly secretInputs: readonly string[];
  /** Names of the resources it waits for; children count for their component. */
  readonly dependsOn: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly replaceOnChanges: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  /** What runs after it was made, and where that failed. */
  readonly hooks: { readonly afterCreate: readonly string[]; readonly onError: readonly string[] };
}

export interface ProgramRun {
  readonly registrations: readonly Registration[];
  /** The stack's known_hosts as the program left it; where it was before is where it is again. */
  readonly knownHosts: { readonly text: string; readonly mode: number } | undefined;
}

export interface ProgramArgs {
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  /** The keys that were set with --secret. */
  readonly secrets?: readonly string[];
  readonly record?: StackRecord;
  readonly preview?: boolean;
  /** Config of other namespaces, with them. */
  readonly otherConfig?: Readonly<Record<string, string>>;
  /** What the functions that the program may call answer, by token; any other fails the run. */
  readonly calls?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Told of each resource that is declared, whatever the run's end. */
  readonly seen?: (name: string) => void;
  /** What a host over SSH says of itself; nothing is connected to. Without it, there is no `ssh` to call. */
  readonly look?: string | undefined;
}

/** What this project's program needs of the engine's request. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getObject(): { toJavaScript(): Readonly<Record<string, unknown>> } | undefined;
  getDependenciesList(): string[];
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getReplaceonchangesList(): string[];
  getIgnorechangesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getHooks(): { getAfterCreateList(): string[]; getOnErrorList(): string[] } | undefined;
}

/** How the SDK marks a secret on its way to the engine. */
const SECRET_MARK = '"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270"';

const REPORT = "live blue\nprevious none\nflipped true\nswitchedAt 2026-01-01T00:00:00Z\n";
const CERTIFICATE = "fingerprint f00d\nnotBefore 2026-01-01T00:00:00Z\nnotAfter 2126-12-31T00:00:00Z\n";
const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
const BOOT_KEY = `ecdsa-sha2-nistp256 AAAAboot boot\n${pem("OPENSSH PRIVATE KEY")}`;
/** What commands print that the program reads. */
const STDOUT: Readonly<Record<string, string>> = {
  "switch-flip": REPORT,
  "machine-boot-key": BOOT_KEY,
  contact: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwn\n",
  "edge-certificate": CERTIFICATE,
  "edge-request": pem("CERTIFICATE REQUEST"),
  "edge-install": CERTIFICATE,
  "edge-clients": pem("CERTIFICATE") + pem("PRIVATE KEY"),
};
/** What a provider adds to what it was given, where the program reads it. */
const SIGNED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "cloudflare:index/originCaCertificate:OriginCaCertificate": { certificate: pem("CERTIFICATE") },
  "aws:ec2/eip:Eip": { publicIp: "203.0.113.20", allocationId: "eipalloc-0123456789abcdef0" },
  "aws:ec2/instance:Instance": { privateIp: "10.20.0.10" },
  "aws:iam/role:Role": { arn: "arn:aws:iam::123456789012:role/of-this-stack" },
  "aws:s3/bucket:Bucket": { arn: "arn:aws:s3:::bucket-of-this-stack" },
  "aws:sns/topic:Topic": { arn: "arn:aws:sns:eu-central-1:123456789012:topic-of-this-stack" },
};
const STACK = "pulumi:pulumi:Stack";
let runs = 0;

class RecordingMonitor extends MockMonitor {
  readonly seen = new Map<string, RegisterRequest>();

  override async registerResource(
    request: RegisterRequest,
    callback: Parameters<MockMonitor["registerResource"]>[1],
  ): Promise<void> {
    if (request.getType() !== STACK) this.seen.set(`${request.getType()} ${request.getName()}`, request);
    await super.registerResource(request, callback);
  }

  // The SDK's mock monitor says that it knows hooks and lacks the calls (3.270): every resource would wait for ever.
  registerResourceHook(_request: unknown, callback: (error: null, response: object) => void): void {
    callback(null, {});
  }

  registerErrorHook(_request: unknown, callback: (error: null, response: object) => void): void {
    callback(null, {});
  }
}

/** What was asked for; `directory` was this run's own, and is left out of what can be compared. */
function registration(
  request: RegisterRequest,
  inputs: Readonly<Record<string, unknown>>,
  directory: string,
): Registration {
  const comparable: unknown = JSON.parse(JSON.stringify(inputs).replaceAll(directory, ""));
  return {
    type: request.getType(),
    name: request.getName(),
    inputs: comparable as Readonly<Record<string, unknown>>,
    secretInputs: Object.entries(request.getObject()?.toJavaScript() ?? {}).flatMap(([key, value]) =>
      JSON.stringify(value).includes(SECRET_MARK) ? [key] : [],
    ),
    dependsOn: request.getDependenciesList().map((urn) => urn.replace(/^.*::/, "")),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    replaceOnChanges: request.getReplaceonchangesList(),
    ignoreChanges: request.getIgnorechangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    hooks: {
      afterCreate: request.getHooks()?.getAfterCreateList() ?? [],
      onError: request.getHooks()?.getOnErrorList() ?? [],
    },
  };
}

/** A run over SSH writes down the host's key on this machine, under the stack's name. */
const knownHostsOf = (stack: string) =>
  join(userInfo().homedir, ".ssh", "bluegreen", `bluegreen-${stack}.known_hosts`);

/** Whatever a real stack of that name had there is put back. */
function keepKnownHosts(stack: string): () => void {
  const path = knownHostsOf(stack);
  const before = existsSync(path) ? readFileSync(path) : undefined;
  return () => {
    if (before !== undefined) writeFileSync(path, before);
    else rmSync(path, { force: true });
  };
}

function readKnownHosts(stack: string): ProgramRun["knownHosts"] {
  const path = knownHostsOf(stack);
  if (!existsSync(path)) return undefined;
  return { text: readFileSync(path, "utf8"), mode: statSync(path).mode & 0o777 };
}

/**
 * Runs index.ts against the SDK's mocks, with a Docker socket that knows nothing but its version, and returns what it
 * asked for. Proves wiring only: no engine decides here what changes.
 */
export async function runProgram({
  stack,
  config,
  secrets = [],
  record,
  preview = false,
  otherConfig = {},
  calls = {},
  seen = () => undefined,
  look,
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
      if (args.type !== STACK) seen(args.name);
      const plain = args.inputs as Readonly<Record<string, unknown>>;
      inputs.set(`${args.type} ${args.name}`, plain);
      return {
        id: `${args.name}-id`,
        state: {
          ...plain,
          ...SIGNED[args.type],
          stdout: STDOUT[args.name.replace(`bluegreen-${stack}-`, "")] ?? "",
        },
      };
    },
    call: ({ token }) => {
      const answer = calls[token];
      if (answer !== undefined) return answer;
      throw new Error(`the program called ${token}, which this test does not know`);
    },
  };
  const monitor = new RecordingMonitor(mocks);
  const path = process.env["PATH"];
  const putBack = keepKnownHosts(stack);
  try {
    if (/"(ssh|ec2)"/.test(config["host"] ?? "")) process.env["PATH"] = directory;
    if (look !== undefined) {
      const script = `#!/bin/sh\ncase "$*" in *'sh -s --'*) printf '%s' '${look}' ;; esac\n`;
      writeFileSync(join(directory, "ssh"), script, { mode: 0o755 });
    }
    setMockOptions(monitor, "bluegreen", stack, preview, "organization");
    // Without it the SDK takes the monitor for one that knows no secrets, and sends them unmarked.
    await awaitFeatureSupport();
    // What the engine's own runner makes first; stack transformations hang on it.
    setStackResource(new pulumi.ComponentResource(STACK, `bluegreen-${stack}`));
    const withSocket = { ...config, host: config["host"]?.replace("SOCKET", `unix://${socket}`) ?? "" };
    pulumi.runtime.setAllConfig(
      {
        ...Object.fromEntries(Object.entries(withSocket).map(([key, value]) => [`bluegreen:${key}`, value])),
        ...otherConfig,
      },
      secrets.map((key) => `bluegreen:${key}`),
    );
    await import(`../../index.ts?run=${++runs}`);
    await pulumi.runtime.disconnect();
    let registrations: readonly Registration[] | undefined;
    return {
      get registrations() {
        const made = () =>
          [...monitor.seen].map(([key, request]) => registration(request, inputs.get(key) ?? {}, directory));
        return (registrations ??= made());
      },
      knownHosts: readKnownHosts(stack),
    };
  } finally {
    process.env["PATH"] = path;
    putBack();
    engine.close();
    rmSync(directory, { recursive: true });
  }
}
