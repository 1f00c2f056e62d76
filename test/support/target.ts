import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { askSocket } from "./control.ts";
import type { TestMachine } from "./machine.ts";
import { freePort } from "./ports.ts";
import { type Result, run, runOk, until } from "./process.ts";

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };
export type Config = Readonly<Record<string, Plain>>;

/** What a stack has of its own on a target. */
export interface Place {
  /** The config that brings it there: `host` and the address of `gateway`. */
  readonly host: Config;
  readonly gateway: { readonly address: string; readonly port: number };
  /** Its directory on the host. */
  readonly directory: string;
  /** Where visitors find it. */
  readonly url: string;
}

/** Where stacks live: what a test does on the host itself goes through here, so that it can be done on any. */
export interface Target {
  readonly kind: "local" | "machine";
  /** Put in front of `pulumi`, to run it there. */
  readonly prefix: readonly string[];
  /** A place for the stack `bluegreen/<name>`, whose own files lie in `folder` on this machine. */
  place(name: string, folder: string): Promise<Place>;
  /** A command on the host as root, whatever its end. */
  run(words: readonly string[], input?: string): Promise<Result>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** One question to a gateway's control socket; what it answered. Throws unless that was 200. */
  ask(socket: string, method: string, target: string): Promise<string>;
}

/** This machine's engine, or one beside it (`engine`, `unix://…`, on the machine that `prefix` leads to). */
export function localTarget(engine?: string, prefix: readonly string[] = []): Target {
  const env = { ...process.env, ...(engine !== undefined && { DOCKER_HOST: engine }) };
  return {
    kind: "local",
    prefix,
    async place(_name, folder) {
      const directory = path.join(folder, "host");
      const port = await freePort();
      return {
        host: { kind: "local", directory, ...(engine !== undefined && { engine }) },
        gateway: { address: "127.0.0.1", port },
        directory,
        url: `http://127.0.0.1:${port}`,
      };
    },
    run: ([command = "", ...args], input) => run(command, args, { env, input: input ?? "" }),
    read: (file) => readFile(file, "utf8"),
    write: (file, text) => writeFile(file, text),
    ask: askSocket,
  };
}

/** A test machine, through SSH; its ports 80 and 8080 hold a stack each. */
export function machineTarget(machine: TestMachine, port: 80 | 8080 = 8080): Target {
  const docker = ["exec", "--interactive", machine.container];
  return {
    kind: "machine",
    prefix: [],
    place: (name) =>
      Promise.resolve({
        host: machine.hostConfig(),
        // As a visitor comes from outside: to the address that the world sees.
        gateway: { address: "0.0.0.0", port },
        directory: `/var/lib/bluegreen/bluegreen-${name}`,
        url: `http://${machine.address}:${machine.port(port)}`,
      }),
    run: (words, input) => run("docker", [...docker, ...words], { input: input ?? "" }),
    read: (file) => machine.read(file),
    write: (file, text) => machine.write(file, text),
    async ask(socket, method, target) {
      const curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "5"];
      const words = [...curl, "--request", method, "--unix-socket", socket, `http://gateway${target}`];
      return (await runOk("docker", [...docker, ...words])).stdout;
    },
  };
}

/** A docker command on the target that must succeed; what it printed, without the last line end. */
export async function dockerOn(target: Target, ...words: readonly string[]): Promise<string> {
  const result = await target.run(["docker", ...words]);
  if (result.code !== 0) throw new Error(`docker ${words.join(" ")}: exit ${result.code}\n${result.output}`);
  return result.stdout.trimEnd();
}

/** Pauses a container. On cgroup v1 a health check that begins just then makes runc give up (runc#2753, moby#48205). */
export async function pauseOn(target: Target, container: string): Promise<void> {
  let said = "";
  const paused = async (): Promise<boolean> => {
    const { code, output } = await target.run(["docker", "pause", container]);
    said = output;
    return code === 0;
  };
  await until(`${container} is paused`, paused).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${said}`);
  });
}
