import path from "node:path";
import { z } from "zod";
import {
  type InstanceTypeName,
  instanceType,
  isInstanceType,
} from "../../components/config/instance-types.ts";
import { at } from "../support/json.ts";
import { makeKey } from "../support/machine-container.ts";
import { BoughtMachine, type Pushed } from "./bought-machine.ts";
import type { Clouds } from "./clouds.ts";
import type { Zone } from "./cloudflare/state.ts";
import type { Answer } from "../support/https.ts";
import { type Visit, visit } from "./edge-visit.ts";
import {
  type CloudConfig,
  type CloudStack,
  type Plain,
  type Project,
  type Ran,
  committedConfig,
} from "./project.ts";

type Parts = Readonly<Record<string, Plain>>;

/** A committed stack, on a machine of its own that plays its instance. */
export class StackOnMachine {
  readonly stack: CloudStack;
  readonly machine: BoughtMachine;
  readonly pushed: Pushed;
  readonly hostname: string;
  readonly #clouds: Clouds;
  /** What the instance is called in AWS. */
  readonly #instanceName: string;

  private constructor(
    clouds: Clouds,
    project: Project,
    stack: CloudStack,
    machine: BoughtMachine,
    pushed: Pushed,
  ) {
    this.#clouds = clouds;
    this.stack = stack;
    this.machine = machine;
    this.pushed = pushed;
    this.hostname = String(at(stack.config, "bluegreen:edge", "hostname"));
    this.#instanceName = `${project.name}-${stack.name}-host`;
  }

  /** Nothing of the stack is there yet; the machine waits to be booted. */
  static async create(clouds: Clouds, project: Project, name: string): Promise<StackOnMachine> {
    const committed = await committedConfig(name);
    const type = String(at(committed, "bluegreen:host", "instanceType"));
    if (!isInstanceType(type)) throw new Error(`${name}: no instance type ${type}`);
    const deployer = `deployer-${name}`;
    await makeKey(project.folder, deployer);
    const keyFile = path.join(project.folder, deployer);
    const machine = await BoughtMachine.create(name, instanceType(type).memoryMb, keyFile);
    try {
      const pushed = await machine.fillRegistry();
      const stack = await project.stack(name, { ...clouds.config, ...adapted(committed, machine, pushed) });
      return new StackOnMachine(clouds, project, stack, machine, pushed);
    } catch (error) {
      await machine.remove();
      throw error;
    }
  }

  set(key: string, value: Plain): void {
    this.stack.config = { ...this.stack.config, [`bluegreen:${key}`]: value };
  }

  /** A key of the config with some of its parts changed. */
  merge(key: string, parts: Parts): void {
    this.stack.config = merged(this.stack.config, key, parts);
  }

  /** The first `up`, in which the machine boots as soon as AWS has its instance. */
  first(): Promise<Ran> {
    return this.#upWith((over) => this.machine.boot(this.#clouds.aws, this.#instanceName, over));
  }

  /** An `up` in which AWS takes the instance away and starts another. */
  replacing(): Promise<Ran> {
    return this.#upWith((over) => this.machine.replace(this.#clouds.aws, this.#instanceName, over));
  }

  /** An `up` in which AWS stops the instance and starts it again as one of another type. */
  resizing(type: InstanceTypeName): Promise<Ran> {
    const { memoryMb } = instanceType(type);
    return this.#upWith((over) => this.machine.resize(this.#clouds.aws, this.#instanceName, memoryMb, over));
  }

  /** An `up`, and what the machine does beside it; what that failed with stands at the end of the output. */
  async #upWith(machine: (over: () => boolean) => Promise<void>): Promise<Ran> {
    let over = false;
    const up = this.stack.up().finally(() => (over = true));
    const beside = machine(() => over).then(
      () => "",
      (error: unknown) => `${String(error)}\n`,
    );
    const ran = await up;
    return { ...ran, output: ran.output + (await beside) };
  }

  /** Names and states of the machine's containers. */
  async containers(): Promise<readonly string[]> {
    const told = await this.machine.machine.docker("ps", "--all", "--format", "{{.Names}} {{.Status}}");
    return told.split("\n").sort();
  }

  visit(zone: Zone, options?: Visit): Promise<Answer> {
    const { address } = this.machine.machine;
    const origin = { address, port: this.machine.machine.port(443) };
    return visit(this.#clouds.cloudflare, zone, this.hostname, origin, options);
  }

  remove(): Promise<void> {
    return this.machine.remove();
  }
}

/** The committed config but for what no test can have: the registry, the deployer's key, the way to the machine. */
function adapted(committed: CloudConfig, machine: BoughtMachine, pushed: Pushed): CloudConfig {
  const [{ images }] = pushed.releases;
  const parts: readonly (readonly [string, Parts])[] = [
    ["host", machine.access],
    ["blue", { images }],
    ["gateway", { image: pushed.nginx }],
    ["postgres", { image: pushed.postgres }],
    ["redis", { image: pushed.redis }],
  ];
  return parts.reduce((config, [key, changed]) => merged(config, key, changed), committed);
}

function merged(config: CloudConfig, key: string, parts: Parts): CloudConfig {
  const full = `bluegreen:${key}`;
  return { ...config, [full]: { ...z.record(z.string(), z.json()).parse(config[full] ?? {}), ...parts } };
}
