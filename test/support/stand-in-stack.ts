import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LedgerEntry, parseLedger } from "../../components/ledger/entry.ts";
import type { StackRecord } from "../../components/slot/record.ts";
import { recordOf } from "./fixtures.ts";
import { installScripts } from "./host-scripts.ts";
import { Running } from "./process.ts";

const bluegreen = new URL("../../release/bluegreen.ts", import.meta.url).pathname;

/** The stack of `recordOf`, as its file says it. */
const CONFIG = `config:
  bluegreen:active: blue
  bluegreen:blue: { release: "1", images: { api: app:1 }, migration: { command: [migrate] } }
  bluegreen:green: { release: "2", images: { api: app:2 }, migration: { command: [migrate] } }
`;

// Of this version the Automation API reads the events from a file, which a script can write.
const PULUMI = `#!/bin/sh
here=\${0%/*}
message='' events=''
case $1 in
  version) echo v3.200.0 ;;
  stack) cat "$here/outputs" ;;
  up)
    while [ $# -gt 0 ]; do
      case $1 in --message) message=$2 ;; --event-log) events=$2 ;; esac
      shift
    done
    say() { echo "$*" >>"$here/calls"; }
    changes() { # RESOURCE: an event, given the time to be read
      printf '{"sequence":1,"timestamp":1,"resourcePreEvent":{"metadata":{"op":"update","type":"t","urn":"urn:pulumi:dev::p::t::%s","provider":"","keys":[]}}}\\n' "$1" >>"$events"
      sleep 1
    }
    say "up: $message"
    . "$here/up"
    ;;
esac
`;

/**
 * The command line as it is, on a stack whose engine is a script and whose host is a folder: what it does where the engine fails, is cut
 * off or keeps its lock, without a container.
 */
export class StandInStack {
  readonly folder: string;
  readonly host: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.host = join(folder, "host");
  }

  /**
   * `up` is what the engine does in an update, in shell: `changes RESOURCE` is an event, `say WORD` goes to `calls`, `$message` is the
   * update's.
   */
  static async make(up: string): Promise<StandInStack> {
    const stack = new StandInStack(await mkdtemp(join(tmpdir(), "stand-in-")));
    await mkdir(stack.host);
    await installScripts(stack.host);
    const local = `  bluegreen:host: { kind: local, directory: ${stack.host}, memoryMb: 2048 }\n`;
    await writeFile(join(stack.folder, "Pulumi.yaml"), "name: bluegreen\nruntime: nodejs\n");
    await writeFile(join(stack.folder, "Pulumi.dev.yaml"), CONFIG + local);
    await writeFile(join(stack.folder, "pulumi"), PULUMI, { mode: 0o755 });
    await writeFile(join(stack.folder, "up"), up);
    await stack.program("docker", ":");
    await stack.remember("outputs", recordOf());
    return stack;
  }

  /** What the engine says was brought up, once it has this file for its `outputs`. */
  async remember(file: string, record: StackRecord): Promise<void> {
    const outputs = { record: { ...record, directory: this.host }, url: "http://127.0.0.1:8080" };
    await writeFile(join(this.folder, file), JSON.stringify(outputs));
  }

  /** A program that comes before the machine's own. */
  async program(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  bluegreen(...words: readonly string[]): Running {
    return this.node(bluegreen, ...words);
  }

  /** Node in the stack's folder, with its engine. */
  node(...words: readonly string[]): Running {
    const env = { ...process.env, PATH: `${this.folder}:${process.env["PATH"] ?? ""}` };
    return new Running(process.execPath, words, { cwd: this.folder, env, timeoutMs: 60_000 });
  }

  async ledger(): Promise<readonly LedgerEntry[]> {
    return parseLedger(await readFile(join(this.host, "ledger"), "utf8").catch(() => ""));
  }

  async append(text: string): Promise<void> {
    await appendFile(join(this.host, "ledger"), text);
  }

  /** What the engine was told, and did. */
  async calls(): Promise<readonly string[]> {
    const text = await readFile(join(this.folder, "calls"), "utf8").catch(() => "");
    return text.split("\n").filter(Boolean);
  }

  config(): Promise<string> {
    return readFile(join(this.folder, "Pulumi.dev.yaml"), "utf8");
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
