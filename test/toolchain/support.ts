// A throw-away stack that runs commands as they are declared in a JSON file, on the real engine with the plugins that
// PATH and PULUMI_HOME hold.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderBackend } from "../../toolchain/setup/paths.ts";

const repository = join(import.meta.dirname, "../..");

/** A value that the program wraps with pulumi.secret. */
export interface Secret {
  secret: string;
}

export type Value = string | number | boolean | Secret | Value[] | { [key: string]: Value };

/** One command of the program. `kind` is the type in the SDK, `options` its resource options. */
export interface Declared {
  kind?: "local" | "remote" | "copy";
  args: Record<string, Value>;
  options?: Record<string, Value>;
}

/** What the state file holds of one resource. */
export interface Recorded {
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

export interface Finished {
  exitCode: number | null;
  /** stdout and stderr together, as a person sees them. */
  text: string;
}

const program = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import * as command from "@pulumi/command";

const declared = JSON.parse(readFileSync("declared.json", "utf8"));
const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  if ("secret" in value) return pulumi.secret(value.secret);
  if ("text" in value) return new pulumi.asset.StringAsset(value.text);
  if ("path" in value) return new pulumi.asset.FileArchive(value.path);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
};
const kinds = { local: command.local.Command, remote: command.remote.Command, copy: command.remote.CopyToRemote };
for (const [name, { kind = "local", args, options }] of Object.entries(declared.resources)) {
  new kinds[kind](name, revive(args), options);
}
export const ran = declared.run === undefined ? undefined : command.local.runOutput({ command: declared.run }).stdout;
`;

export class ThrowAwayStack {
  readonly folder: string;
  readonly #children = new Set<ChildProcess>();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "bluegreen-toolchain-"));
    mkdirSync(join(this.folder, "state"));
    symlinkSync(join(repository, "node_modules"), join(this.folder, "node_modules"));
    this.write("package.json", JSON.stringify({ name: "toolchain-test", type: "module" }));
    this.write("passphrase", "only for this test\n");
    this.write("index.ts", program);
    this.write(
      "Pulumi.yaml",
      "name: toolchain-test\nmain: index.ts\nruntime: { name: nodejs, options: { typescript: false } }\n",
    );
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content);
  }

  /** The lines that commands wrote into a file of the program's folder; none when there is no such file. */
  lines(name: string): string[] {
    const path = join(this.folder, name);
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  }

  declare(resources: Record<string, Declared>, run?: string): void {
    this.write("declared.json", JSON.stringify({ resources, run }));
  }

  async init(): Promise<void> {
    this.declare({});
    const made = await this.pulumi("stack", "init", "test");
    if (made.exitCode !== 0) throw new Error(`pulumi stack init failed: ${made.text}`);
  }

  up(...more: string[]): Promise<Finished> {
    return this.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs", ...more);
  }

  /** `up` that has to succeed. */
  async mustUp(resources: Record<string, Declared>): Promise<Finished> {
    this.declare(resources);
    const finished = await this.up();
    if (finished.exitCode !== 0) throw new Error(`pulumi up failed: ${finished.text}`);
    return finished;
  }

  pulumi(...args: string[]): Promise<Finished> {
    return this.start(...args).finished;
  }

  start(...args: string[]): { process: ChildProcess; finished: Promise<Finished> } {
    const child = spawn("pulumi", [...args, "--non-interactive", "--color=never"], {
      cwd: this.folder,
      env: {
        ...process.env,
        PULUMI_BACKEND_URL: folderBackend(join(this.folder, "state")),
        PULUMI_CONFIG_PASSPHRASE_FILE: join(this.folder, "passphrase"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // Shows the flag --event-log.
        PULUMI_DEBUG_COMMANDS: "true",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const finished = new Promise<Finished>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode) => {
        this.#children.delete(child);
        resolve({ exitCode, text });
      });
    });
    return { process: child, finished };
  }

  stateText(): string {
    return readFileSync(join(this.folder, "state/.pulumi/stacks/toolchain-test/test.json"), "utf8");
  }

  /** The commands in state, by name. */
  state(): Map<string, Recorded> {
    const { checkpoint } = JSON.parse(this.stateText()) as {
      checkpoint: { latest: { resources?: (Partial<Recorded> & { urn: string; type: string })[] } };
    };
    const commands = (checkpoint.latest.resources ?? []).filter(({ type }) => type.startsWith("command:"));
    return new Map(
      commands.map(({ urn, id = "", inputs = {}, outputs = {} }) => [
        urn.slice(urn.lastIndexOf("::") + 2),
        { id, inputs, outputs },
      ]),
    );
  }

  /** One command in state. */
  recorded(name: string): Recorded {
    const found = this.state().get(name);
    if (found === undefined) throw new Error(`no ${name} in state`);
    return found;
  }

  async remove(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    if (existsSync(join(this.folder, "state/.pulumi/stacks/toolchain-test/test.json"))) {
      await this.pulumi("destroy", "--yes", "--skip-preview");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a condition holds; fails with its name after the limit. */
export async function until(what: string, holds: () => boolean, limitSeconds = 20): Promise<void> {
  const deadline = Date.now() + limitSeconds * 1000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitSeconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether a process runs; one that has ended and waits for its parent does not count. */
export function alive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
