import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { folderBackend } from "../../toolchain/setup/paths.ts";
import { type Changes, readChanges, readSteps } from "../support/event-log.ts";
import { at } from "../support/json.ts";
import { type Options, type Result, Running, run, runOk } from "../support/process.ts";
import type { Plain } from "../support/target.ts";

export type { Plain } from "../support/target.ts";
/** A stack file's config, keys with their namespaces: `aws:region`. */
export type CloudConfig = Readonly<Record<string, Plain>>;
export type Ran = Result & {
  readonly changes: Changes;
  /** `readSteps` has their form. */
  readonly steps: readonly string[];
  readonly seconds: number;
};

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** What runs: this repository's program, or a text of the test's own. */
export type Program = { readonly kind: "own" } | { readonly kind: "text"; readonly text: string };

/** The config of a stack file in the repository, as it is committed. */
export async function committedConfig(stack: string): Promise<CloudConfig> {
  const file: unknown = parse(await readFile(path.join(repository, `Pulumi.${stack}.yaml`), "utf8"));
  return z.record(z.string(), z.json()).parse(at(file, "config"));
}

let runs = 0;

/** One program with a state of its own, for stacks named as the real ones. Nothing is written into the checkout. */
export class Project {
  /** Another one for each test process, so that no file of a real deployment's is touched. */
  readonly name: string;
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(name: string, folder: string, environment: NodeJS.ProcessEnv) {
    this.name = name;
    this.folder = folder;
    this.#environment = environment;
  }

  static async create(
    purpose: string,
    program: Program,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Project> {
    const name = `bgtest-${purpose}-${process.pid}`;
    const folder = await mkdtemp(path.join(os.tmpdir(), `${name}-`));
    const project = new Project(name, folder, environment);
    for (const part of ["project", "state"]) await mkdir(path.join(folder, part));
    await writeFile(path.join(folder, "passphrase"), "test, protects nothing\n", { mode: 0o600 });
    await project.#write(program);
    return project;
  }

  get #project(): string {
    return path.join(this.folder, "project");
  }

  async #write(program: Program): Promise<void> {
    const into = (file: string) => path.join(this.#project, file);
    const from = (file: string) => path.join(repository, file);
    for (const file of ["package.json", "tsconfig.json"]) await cp(from(file), into(file));
    await symlink(from("node_modules"), into("node_modules"));
    const settings: unknown = parse(await readFile(from("Pulumi.yaml"), "utf8"));
    await writeFile(
      into("Pulumi.yaml"),
      stringify({ ...z.looseObject({}).parse(settings), name: this.name }),
    );
    switch (program.kind) {
      case "own":
        for (const part of ["index.ts", "components", "policy"])
          await cp(from(part), into(part), { recursive: true });
        break;
      case "text":
        await writeFile(into("index.ts"), program.text);
        break;
    }
  }

  /** A new stack, with no resources. */
  async stack(name: string, config: CloudConfig): Promise<CloudStack> {
    await runOk("pulumi", ["stack", "init", name, "--non-interactive"], this.options());
    const file = path.join(this.#project, `Pulumi.${name}.yaml`);
    const salt = z.string().parse(at(parse(await readFile(file, "utf8")), "encryptionsalt"));
    return new CloudStack(this, name, file, salt, config);
  }

  options(): Options {
    return {
      cwd: this.#project,
      env: {
        ...process.env,
        PULUMI_BACKEND_URL: folderBackend(path.join(this.folder, "state")),
        PULUMI_CONFIG_PASSPHRASE_FILE: path.join(this.folder, "passphrase"),
        PULUMI_DEBUG_COMMANDS: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        NO_COLOR: "1",
        // moto takes any; the deployer's own must not be tried.
        AWS_ACCESS_KEY_ID: "testing",
        AWS_SECRET_ACCESS_KEY: "testing",
        AWS_SESSION_TOKEN: undefined,
        AWS_PROFILE: undefined,
        AWS_CONFIG_FILE: "/dev/null",
        AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
        AWS_EC2_METADATA_DISABLED: "true",
        CLOUDFLARE_API_TOKEN: undefined,
        ...this.#environment,
      },
      timeoutMs: 600_000,
    };
  }

  /** The state file of a stack, as it lies on disk. */
  stateFile(stack: string): string {
    return path.join(this.folder, "state/.pulumi/stacks", this.name, `${stack}.json`);
  }

  /** Takes away what is on this machine. */
  async remove(): Promise<void> {
    const ssh = path.join(os.userInfo().homedir, ".ssh/bluegreen");
    await run("sh", ["-c", 'rm -f "$1"/"$2"-*', "sh", ssh, this.name]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

export class CloudStack {
  config: CloudConfig;
  readonly name: string;
  readonly #project: Project;
  readonly #file: string;
  readonly #salt: string;

  constructor(project: Project, name: string, file: string, salt: string, config: CloudConfig) {
    this.#project = project;
    this.name = name;
    this.#file = file;
    this.#salt = salt;
    this.config = config;
  }

  async #args(command: readonly string[]): Promise<{ args: string[]; log: string }> {
    // The program's own keys are in its project's namespace, which has another name here.
    const config = Object.entries(this.config).map(
      ([key, value]) => [key.replace(/^bluegreen:/, `${this.#project.name}:`), value] as const,
    );
    await writeFile(
      this.#file,
      stringify({ encryptionsalt: this.#salt, config: Object.fromEntries(config) }),
    );
    const log = path.join(this.#project.folder, `events-${runs++}.json`);
    const args = [...command, "--stack", this.name, "--non-interactive", "--event-log", log];
    return { args, log };
  }

  async #run(command: readonly string[]): Promise<Ran> {
    const { args, log } = await this.#args(command);
    const began = performance.now();
    const result = await run("pulumi", args, this.#project.options());
    const seconds = (performance.now() - began) / 1000;
    return { ...result, changes: await readChanges(log), steps: await readSteps(log), seconds };
  }

  up = (...more: string[]): Promise<Ran> => this.#run(["up", "--yes", "--skip-preview", ...more]);
  preview = (...more: string[]): Promise<Ran> => this.#run(["preview", "--diff", ...more]);
  refresh = (...more: string[]): Promise<Ran> => this.#run(["refresh", "--yes", "--skip-preview", ...more]);
  destroy = (...more: string[]): Promise<Ran> => this.#run(["destroy", "--yes", "--skip-preview", ...more]);
  /** As a person does it: `--skip-preview` would delete what is not protected before it refuses the rest. */
  destroyAfterPreview = (): Promise<Ran> => this.#run(["destroy", "--yes"]);

  /** `pulumi up` under way. */
  async startUp(): Promise<Running> {
    const { args } = await this.#args(["up", "--yes", "--skip-preview"]);
    return new Running("pulumi", args, this.#project.options());
  }

  /** Any other command of `pulumi`, of this stack, that must succeed; what it printed. */
  async pulumi(...args: string[]): Promise<string> {
    const all = [...args, "--stack", this.name, "--non-interactive"];
    return (await runOk("pulumi", all, this.#project.options())).stdout;
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const parsed: unknown = JSON.parse(await this.pulumi("stack", "output", "--json"));
    return z.record(z.string(), z.unknown()).parse(parsed);
  }

  /** The ids of the state's resources by type and name: `aws:ec2/vpc:Vpc network` → `vpc-…`. */
  async ids(): Promise<ReadonlyMap<string, string>> {
    const parsed: unknown = JSON.parse(await this.pulumi("stack", "export"));
    const resource = z.object({ urn: z.string(), type: z.string(), id: z.string().optional() });
    // An empty stack has no list at all.
    const resources = z
      .array(resource)
      .default([])
      .parse(at(parsed, "deployment", "resources"));
    return new Map(
      resources.flatMap(({ urn, type, id }) =>
        id === undefined ? [] : [[`${type} ${urn.split("::").at(-1) ?? ""}`, id]],
      ),
    );
  }
}

/** Fails with what was printed. */
export function succeeded(ran: Ran): Ran {
  if (ran.code !== 0) throw new Error(`pulumi ended with ${ran.code}:\n${ran.output}`);
  return ran;
}
