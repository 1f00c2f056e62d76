import { readFileSync } from "node:fs";
import { local, type types } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { HostSettings } from "../config/schema.ts";
import { type BundleFile, renderBundle } from "./bundle.ts";
import { runLocal } from "./local.ts";
import { unsupported } from "./look.ts";
import { commandLine } from "./quote.ts";

export interface HostArgs {
  readonly settings: HostSettings;
  /** The stack's directory on the host; absolute. */
  readonly directory: string;
  /** Counts how often the scripts were found missing. */
  readonly repairs: number;
}

export interface HostCommandArgs {
  /** The command's words; run again whenever a word or the input changes. Nothing secret may stand in them. */
  readonly words: readonly string[];
  /** What the command reads. */
  readonly stdin: string;
  /** What of the command's output a person sees while it runs. Default: what it writes to stderr. */
  readonly logging?: types.enums.local.Logging;
}

const SCRIPTS = [
  "gateway/common.sh",
  "host/clear.sh",
  "host/observe.sh",
  "data/secrets.sh",
  "slot/guard.sh",
  "gateway/gateway-apply.sh",
  "gateway/switch.sh",
] as const;

/** The scripts that run on the host, as they stand in this checkout. */
export function hostScripts(): readonly BundleFile[] {
  return SCRIPTS.map((path) => ({
    path: path.replace(/^.*\//, ""),
    content: readFileSync(new URL(`../${path}`, import.meta.url), "utf8"),
    mode: 0o755,
  }));
}

/**
 * The machine with the Docker engine. Whatever its kind, it gives the rest of the program the same two things:
 * a Docker provider, and a way to run a command on the host.
 */
export class Host extends pulumi.ComponentResource {
  readonly directory: string;
  private readonly settings: HostSettings;
  readonly provider: docker.Provider;
  /** The scripts in the stack's directory; whatever runs one depends on it. */
  readonly scripts: local.Command;

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Host", name, {}, opts);
    this.directory = args.directory;
    this.settings = args.settings;
    this.provider = new docker.Provider(
      `${name}-docker`,
      { host: engineAddress(args.settings) },
      { parent: this },
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
          `repair=${args.repairs}`,
        ],
        stdin: renderBundle(hostScripts()),
      },
      { parent: this },
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
      beforeCreate: [new pulumi.ResourceHook(`clear-${kind}-${name}`, () => runOnHost(this.settings, words))],
    };
  }

  /** A command on the host that runs when it is made and again when it changes. Its failure fails `up`. */
  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): local.Command {
    return new local.Command(
      name,
      {
        create: `exec ${commandLine(args.words)}`,
        stdin: args.stdin,
        // The same engine as the provider's, whatever the caller's own settings are.
        environment: { DOCKER_HOST: engineAddress(this.settings) },
        logging: args.logging ?? local.Logging.Stderr,
        // On by default, and it makes update and delete fail once an output is large.
        addPreviousOutputInEnv: false,
      },
      opts,
    );
  }
}

async function runOnHost(settings: HostSettings, words: readonly string[]): Promise<void> {
  switch (settings.kind) {
    case "local":
      await runLocal(words, { DOCKER_HOST: settings.engine });
      return;
    case "ssh":
    case "ec2":
      throw unsupported(settings);
  }
}

function engineAddress(settings: HostSettings): string {
  switch (settings.kind) {
    case "local":
      return settings.engine;
    case "ssh":
    case "ec2":
      throw unsupported(settings);
  }
}
