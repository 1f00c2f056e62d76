import { local, type types } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { RegistrySettings } from "../config/secrets-schema.ts";
import { renderBundle } from "./bundle.ts";
import { type Engine, prepareCommand, rootWords } from "./preparation.ts";
import { commandLine } from "./quote.ts";
import { LOST, type Reach, engineArgs, sshCommand, sshInput } from "./reach.ts";
import { askHost } from "./run.ts";
import { hostScripts } from "./scripts.ts";

export interface HostArgs {
  readonly reach: Reach;
  readonly registry: RegistrySettings | undefined;
  /** The stack's directory on the host; absolute. */
  readonly directory: string;
  /** Whether the Docker engine answers already, or comes with this run's preparation. */
  readonly engine: Engine;
  /** Count how often the scripts, and the engine, were found missing. */
  readonly repairs: { readonly scripts: number; readonly host: number };
  /** Where the engine keeps its images, containers and volumes, if not in its own place. */
  readonly dataRoot?: string;
  /** What has to be there before the host is talked to. */
  readonly after?: pulumi.Input<pulumi.Resource>;
}

export interface HostCommandArgs {
  /** The command's words; run again whenever a word or the input changes. Nothing secret may stand in them. */
  readonly words: readonly string[];
  /** What the command reads; the only place for something secret, wrapped as such. */
  readonly stdin: pulumi.Input<string>;
  /** What of the command's output a person sees while it runs. Default: what it writes to stderr. */
  readonly logging?: types.enums.local.Logging;
  /** Runs as root where the program is somebody else over SSH; on this machine it is whoever it is. */
  readonly asRoot?: boolean;
}

/**
 * The machine with the Docker engine. Whatever its kind, it gives the rest of the program the same two things:
 * a Docker provider, and a way to run a command on the host. One that is reached over SSH is prepared first: nothing
 * connects to its engine before.
 */
export class Host extends pulumi.ComponentResource {
  readonly directory: string;
  private readonly reach: Reach;
  readonly provider: docker.Provider;
  /** The scripts in the stack's directory; whatever runs one depends on it. */
  readonly scripts: local.Command;

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Host", name, {}, opts);
    this.directory = args.directory;
    this.reach = args.reach;
    const prepared = prepareCommand(`${name}-prepare`, args, {
      parent: this,
      ...(args.after && { dependsOn: args.after }),
    });
    const after = { parent: this, ...(prepared && { dependsOn: prepared }) };
    const brings = args.engine === "comes" ? prepared?.stdout : undefined;
    this.provider = new docker.Provider(
      `${name}-docker`,
      { ...engineArgs(args.reach, brings), registryAuth: registryAuth(args.registry) },
      after,
    );
    this.scripts = this.command(
      `${name}-scripts`,
      {
        // Nobody but its owner gets into the directory, from its first moment on.
        words: [
          "sh",
          "-c",
          'mkdir -p "$1" && chmod 0700 "$1" && exec sh -s -- "$1/bin"',
          "sh",
          this.directory,
          `repair=${args.repairs.scripts}`,
        ],
        stdin: renderBundle(hostScripts()),
      },
      after,
    );
    this.registerOutputs({ directory: this.directory });
  }

  /** The path of a script on the host. */
  script(file: string): string {
    return `${this.directory}/bin/${file}`;
  }

  /**
   * To be bound to a container or network: just before it is made, what a killed run left under its name goes away.
   * Nothing of another stack's is touched, and no network in use: `up` fails with what to do.
   */
  clearing(kind: "container" | "network", name: string): pulumi.ResourceHookBinding {
    const words = [this.script("clear.sh"), kind, name, pulumi.getProject(), pulumi.getStack()];
    return {
      beforeCreate: [
        new pulumi.ResourceHook(`clear-${kind}-${name}`, async () => {
          await askHost(this.reach, words);
        }),
      ],
    };
  }

  /** A command on the host that runs when it is made and again when it changes. Its failure fails `up`. */
  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): local.Command {
    return new local.Command(
      name,
      {
        ...commandArgs(this.reach, args),
        logging: args.logging ?? local.Logging.Stderr,
        // On by default, and it makes update and delete fail once an output is large.
        addPreviousOutputInEnv: false,
      },
      opts,
    );
  }
}

/** Goes with each pull; the host never stores it. */
function registryAuth(registry: RegistrySettings | undefined): docker.ProviderArgs["registryAuth"] {
  if (registry === undefined) return undefined;
  return [{ ...registry, password: pulumi.secret(registry.password) }];
}

function commandArgs(reach: Reach, { words, stdin, asRoot = false }: HostCommandArgs): local.CommandArgs {
  switch (reach.kind) {
    case "local":
      return {
        create: `exec ${commandLine(words)}`,
        stdin,
        // The same engine as the provider's, whatever the caller's own settings are.
        environment: { DOCKER_HOST: reach.engine },
      };
    case "ssh": {
      const { access, address } = reach;
      const line = asRoot ? rootWords(access.user, words) : words;
      return {
        create: pulumi.output(address).apply((known) => `exec ${sshCommand(access, known, line)} ${LOST}`),
        stdin: pulumi.output(stdin).apply(sshInput),
      };
    }
  }
}
