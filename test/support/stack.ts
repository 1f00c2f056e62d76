import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { z } from "zod";

import { sshFiles } from "../../components/host/reach.ts";
import { expandHome } from "../../components/host/ssh.ts";
import { folderBackend } from "../../toolchain/setup/paths.ts";
import { type Result, Running, run, runOk } from "./process.ts";
import { type Changes, readChanges } from "./event-log.ts";
import { at } from "./json.ts";
import { prefix, removeDeadStacks, removeLeftovers } from "./leftovers.ts";
import { type Config, type Place, type Plain, type Target, dockerOn, localTarget } from "./target.ts";

export type { Config } from "./target.ts";
export type Color = "blue" | "green";

export type Up = Result & { readonly changes: Changes; readonly seconds: number };

let upCount = 0;

const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * One isolated stack on a real engine: own name, port, state, host directory and project folder: a copy of
 * the repository's program, so that nothing is written into the checkout and a test can break the program it runs.
 */
export class Stack {
  readonly name: string;
  readonly folder: string;
  readonly target: Target;
  readonly #place: Place;
  config: Config;
  /** The config of the last `up` that succeeded. */
  lastGood: Config = {};
  #salt = "";

  private constructor(name: string, folder: string, target: Target, place: Place, config: Config, salt = "") {
    this.#salt = salt;
    this.name = name;
    this.folder = folder;
    this.target = target;
    this.#place = place;
    this.config = config;
  }

  /** `purpose` (small letters) names it, `config` is added to (and wins over) a small, quick default. */
  static async create(purpose: string, config: Config = {}, target = localTarget()): Promise<Stack> {
    const name = `${prefix}${purpose}-${process.pid}`;
    await removeDeadStacks();
    const folder = await mkdtemp(path.join(os.tmpdir(), `bluegreen-${name}-`));
    const place = await target.place(name, folder);
    const stack = new Stack(name, folder, target, place, {
      host: place.host,
      edge: { kind: "none" },
      // The same images' names are other tests' too, on the same engine.
      retention: 100,
      // Nobody waits for half an hour: what is watched names its own time.
      watch: { holdMinutes: 0 },
      gateway: { ...place.gateway, requestsPerSecond: 1_000_000, burst: 1_000_000 },
      ...config,
    });
    await stack.#prepare();
    return stack;
  }

  async #prepare(): Promise<void> {
    for (const folder of ["project", "state"])
      await mkdir(path.join(this.folder, folder), { recursive: true });
    await writeFile(path.join(this.folder, "passphrase"), "e2e, protects nothing\n", { mode: 0o600 });
    for (const file of ["index.ts", "components", "policy", "package.json", "tsconfig.json", "Pulumi.yaml"]) {
      await cp(path.join(repository, file), path.join(this.project, file), { recursive: true });
    }
    await symlink(path.join(repository, "node_modules"), path.join(this.project, "node_modules"));
    await this.pulumi("stack", "init", this.name);
    // The salt of the stack's secrets; all else in the file is written anew before each command.
    const salt = at(parse(await readFile(this.#configFile, "utf8")), "encryptionsalt");
    if (typeof salt !== "string")
      throw new Error(`stack init wrote no encryptionsalt into ${this.#configFile}`);
    this.#salt = salt;
  }

  /** The same stack in the hands of somebody else: `prefix` stands in front of each of their commands. */
  by(prefix: readonly string[]): Stack {
    return new Stack(
      this.name,
      this.folder,
      { ...this.target, prefix },
      this.#place,
      this.config,
      this.#salt,
    );
  }

  get #configFile(): string {
    return path.join(this.project, `Pulumi.${this.name}.yaml`);
  }

  /** The program's own copy. */
  get project(): string {
    return path.join(this.folder, "project");
  }

  get url(): string {
    return this.#place.url;
  }

  /** The same, as a person on the host finds it. */
  get urlOnHost(): string {
    return `http://127.0.0.1:${this.#place.gateway.port}`;
  }

  /** The stack's directory on its host. */
  get hostDirectory(): string {
    return this.#place.directory;
  }

  /** A file of the stack's directory on its host. */
  async read(file: string): Promise<string> {
    return await this.target.read(path.join(this.hostDirectory, file));
  }

  /** Writes a file of the stack's directory on its host, as a person there would. */
  async write(file: string, text: string): Promise<void> {
    await this.target.write(path.join(this.hostDirectory, file), text);
  }

  /** A docker command on the stack's host that must succeed; what it printed. */
  async docker(...words: readonly string[]): Promise<string> {
    return await dockerOn(this.target, ...words);
  }

  /** The state file, as it lies on disk. */
  get stateFile(): string {
    return path.join(this.folder, "state", ".pulumi", "stacks", "bluegreen", `${this.name}.json`);
  }

  container(what: string): string {
    return `bluegreen-${this.name}-${what}`;
  }

  /** All that a container has logged. */
  async logs(what: string): Promise<string> {
    return (await this.target.run(["docker", "logs", this.container(what)])).output;
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PULUMI_BACKEND_URL: folderBackend(path.join(this.folder, "state")),
      PULUMI_CONFIG_PASSPHRASE_FILE: path.join(this.folder, "passphrase"),
      // Allows --event-log, which counts what an `up` changed.
      PULUMI_DEBUG_COMMANDS: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
    };
  }

  /** Any `pulumi` command that must succeed; what it printed. */
  async pulumi(...args: string[]): Promise<string> {
    return (await runOk(...this.#command([...args, "--non-interactive"]), this.#options())).stdout;
  }

  #options(): { cwd: string; env: NodeJS.ProcessEnv; timeoutMs: number } {
    return { cwd: this.project, env: this.#environment(), timeoutMs: 600_000 };
  }

  /** Changes config keys; `undefined` removes one. Written out before each command. */
  set(changes: Readonly<Record<string, Plain | undefined>>): void {
    const merged = Object.entries({ ...this.config, ...changes });
    this.config = Object.fromEntries(
      merged.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
  }

  async #writeConfig(): Promise<void> {
    const config = Object.fromEntries(
      Object.entries(this.config).map(([key, value]) => [`bluegreen:${key}`, value]),
    );
    await writeFile(this.#configFile, stringify({ encryptionsalt: this.#salt, config }));
  }

  /** A `pulumi` command line, where this stack's machine is. */
  #command(args: readonly string[]): [string, string[]] {
    const [command = "pulumi", ...rest] = [...this.target.prefix, "pulumi", ...args];
    return [command, rest];
  }

  #upArgs(log: string): string[] {
    return ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", this.name, "--event-log", log];
  }

  /** `pulumi up`, whatever its end. */
  async up(...more: string[]): Promise<Up> {
    await this.#writeConfig();
    const log = path.join(this.folder, `events-${upCount++}.json`);
    const began = performance.now();
    const result = await run(...this.#command([...this.#upArgs(log), ...more]), this.#options());
    if (result.code === 0) this.lastGood = this.config;
    return { ...result, changes: await readChanges(log), seconds: (performance.now() - began) / 1000 };
  }

  /** `pulumi up` that must succeed. */
  async upOk(...more: string[]): Promise<Up> {
    const result = await this.up(...more);
    if (result.code !== 0)
      throw new Error(`pulumi up of ${this.name} failed (${result.code}):\n${diagnostics(result.output)}`);
    return result;
  }

  /** `pulumi up` in a process group of its own, to be watched and killed. */
  async startUp(): Promise<Running> {
    await this.#writeConfig();
    const log = path.join(this.folder, `events-${upCount++}.json`);
    return new Running(...this.#command(this.#upArgs(log)), this.#options());
  }

  /**
   * A command of this repository's `bluegreen` in the stack's folder, whatever its end. What it made of the config's file is the
   * stack's config afterwards.
   */
  async bluegreen(command: string, ...more: readonly string[]): Promise<Result> {
    const result = await (await this.startBluegreen(command, ...more)).done;
    await this.readConfig();
    if (result.code === 0) this.lastGood = this.config;
    return result;
  }

  /** The same, to be watched and killed; `readConfig` afterwards. */
  async startBluegreen(command: string, ...more: readonly string[]): Promise<Running> {
    await this.#writeConfig();
    const coverage = ["--import", path.join(repository, "test/support/command-coverage.ts")];
    const words = [
      ...[...coverage, path.join(repository, "release/bluegreen.ts"), command],
      ...["--stack", this.name, ...more],
    ];
    const [program = "", ...rest] = [...this.target.prefix, process.execPath, ...words];
    return new Running(program, rest, this.#options());
  }

  /** The same on a terminal, with what is typed there; whatever its end. */
  async bluegreenOnTerminal(typed: string, ...words: readonly string[]): Promise<Result> {
    await this.#writeConfig();
    const line = [process.execPath, path.join(repository, "release/bluegreen.ts"), ...words];
    const quoted = [...line, "--stack", this.name].map((word) => `'${word}'`).join(" ");
    const result = await run("script", ["-qec", quoted, "/dev/null"], { ...this.#options(), input: typed });
    await this.readConfig();
    return result;
  }

  /** Takes over what stands in the config's file. */
  async readConfig(): Promise<void> {
    const config = at(parse(await readFile(this.#configFile, "utf8")), "config");
    this.config = Object.fromEntries(
      Object.entries(z.record(z.string(), z.json()).parse(config)).map(([key, value]) => [
        key.replace(/^bluegreen:/, ""),
        value,
      ]),
    );
  }

  async preview(...more: string[]): Promise<Result> {
    await this.#writeConfig();
    return await run(
      ...this.#command(["preview", "--non-interactive", "--stack", this.name, ...more]),
      this.#options(),
    );
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const outputs: unknown = JSON.parse(await this.pulumi("stack", "output", "--json", "--stack", this.name));
    return Object.fromEntries(Object.entries(outputs ?? {}));
  }

  /** Clears the lock that a killed run left behind. */
  async cancel(): Promise<void> {
    await this.pulumi("cancel", "--yes", "--stack", this.name);
  }

  async destroy(): Promise<Result> {
    await this.#writeConfig();
    return await run(
      ...this.#command(["destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", this.name]),
      this.#options(),
    );
  }

  /** Takes everything away, whatever state it is in. */
  async remove(): Promise<void> {
    await removeLeftovers(this.name, this.target);
    await this.target.run(["rm", "-rf", this.hostDirectory]);
    await rm(this.folder, { recursive: true, force: true });
    // What a host over SSH leaves on the deployer's machine, in the home of the user database.
    const known = sshFiles({ project: "bluegreen", stack: this.name }).knownHosts;
    await rm(expandHome(known), { force: true });
  }

  /** The gateway's control interface, as only the host can reach it. Parsed `key value` lines. */
  async control(method: "GET" | "PUT", target: string): Promise<Readonly<Record<string, string>>> {
    const socket = path.join(this.hostDirectory, "gateway/run/control.sock");
    const text = await this.target.ask(socket, method, target);
    return Object.fromEntries(
      text
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
    );
  }

  /** What the gateway itself says is live; the last word. */
  async live(): Promise<string> {
    return (await this.control("GET", "/state"))["live"] ?? "no answer";
  }
}

/** What an `up` says went wrong, without its progress; all of it when it says nothing. */
function diagnostics(output: string): string {
  return output.slice(Math.max(0, output.indexOf("Diagnostics:")));
}
