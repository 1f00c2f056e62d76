import { openSync } from "node:fs";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import { run, runOk, until } from "./process.ts";

/**
 * A Docker engine of the test's own, in a network namespace of its own, so that it can be restarted without touching
 * anyone's containers. Wants root, `dockerd` and iproute2, as a machine that runs these tests as its host has.
 */
export class PrivateEngine {
  readonly folder: string;
  #namespace: ChildProcess;
  #daemon: ChildProcess | undefined;

  private constructor(folder: string, namespace: ChildProcess) {
    this.folder = folder;
    this.#namespace = namespace;
  }

  static async start(): Promise<PrivateEngine> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "e2e-engine-"));
    const namespace = spawn(
      "setpriv",
      [
        "--pdeathsig",
        "KILL",
        "unshare",
        "--net",
        "sh",
        "-c",
        "ip link set lo up && echo up && exec sleep infinity",
      ],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await once(namespace.stdout, "data");
    const engine = new PrivateEngine(folder, namespace);
    try {
      await engine.#startDaemon();
    } catch (error) {
      await engine.remove();
      throw error;
    }
    return engine;
  }

  /** In front of a command that is to run on this engine's machine. */
  get prefix(): readonly string[] {
    return ["nsenter", `--net=/proc/${this.#namespace.pid ?? 0}/ns/net`];
  }

  get address(): string {
    return `unix://${this.folder}/docker.sock`;
  }

  async #startDaemon(): Promise<void> {
    const log = openSync(path.join(this.folder, "dockerd.log"), "a");
    const places = ["data", "exec"].map((what) => `--${what}-root=${path.join(this.folder, what)}`);
    // A test that is killed takes its engine with it.
    const args = [
      "--pdeathsig",
      "TERM",
      ...this.prefix,
      "dockerd",
      `--host=${this.address}`,
      `--pidfile=${this.folder}/pid`,
      ...places,
    ];
    this.#daemon = spawn("setpriv", args, { stdio: ["ignore", log, log] });
    await until("the private engine answers", async () => {
      if (this.#daemon?.exitCode !== null) {
        throw new Error(`dockerd ended:\n${await readFile(path.join(this.folder, "dockerd.log"), "utf8")}`);
      }
      return (await run("docker", ["--host", this.address, "version"])).code === 0;
    });
  }

  async #stopDaemon(): Promise<void> {
    if (this.#daemon === undefined || this.#daemon.exitCode !== null) return;
    const ended = once(this.#daemon, "exit");
    this.#daemon.kill("SIGTERM");
    await ended;
  }

  /** As `systemctl restart docker` does it. */
  async restart(): Promise<void> {
    await this.#stopDaemon();
    await this.#startDaemon();
  }

  async docker(...args: string[]): Promise<string> {
    return (await runOk("docker", ["--host", this.address, ...args])).stdout.trimEnd();
  }

  /** Copies images from the machine's own engine. */
  async load(...images: string[]): Promise<void> {
    const archive = path.join(this.folder, "images.tar");
    await runOk("docker", ["save", "--output", archive, ...images], { timeoutMs: 300_000 });
    await runOk("docker", ["--host", this.address, "load", "--input", archive], { timeoutMs: 300_000 });
    await rm(archive);
  }

  async remove(): Promise<void> {
    if (this.#daemon?.exitCode === null) {
      const running = (await this.docker("ps", "--quiet")).split("\n").filter(Boolean);
      if (running.length > 0) await this.docker("kill", ...running);
    }
    await this.#stopDaemon();
    this.#namespace.kill("SIGKILL");
    // What the daemon mounted goes with its namespace of mounts only if it had one; take the rest away by hand.
    const mounts = (await readFile("/proc/mounts", "utf8"))
      .split("\n")
      .map((line) => line.split(" ")[1] ?? "");
    const ours = mounts
      .filter((mount) => mount.startsWith(this.folder))
      .sort()
      .reverse();
    if (ours.length > 0) await run("umount", ["--lazy", ...ours]);
    await rm(this.folder, { recursive: true, force: true });
  }
}
