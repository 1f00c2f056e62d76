import { createHash } from "node:crypto";
import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../config/names.ts";
import type { SshHostSettings } from "../config/host-schema.ts";
import { commandLine, quote } from "./quote.ts";

/** How the program gets to a host's Docker engine and runs a command there. */
export type Reach =
  | { readonly kind: "local"; readonly engine: string }
  /** The address of a machine that this very run makes is not known before it is made. */
  | { readonly kind: "ssh"; readonly access: SshAccess; readonly address: pulumi.Input<string> };

/** What OpenSSH has to know of a machine, but for its address and its host key, which may change. */
export interface SshAccess {
  readonly id: StackId;
  readonly user: string;
  readonly port: number;
  readonly key: SshKey;
  /** A machine on the way, with a host key of its own; the same key opens both. */
  readonly bastion?: { readonly address: string; readonly port: number; readonly user: string } | undefined;
  /** What it is where this program makes it itself; `undefined` for a server that exists, whose config has other keys. */
  readonly rented?:
    | { readonly connect: "public" | "private" | "forwarded" | "bastion"; readonly generation: number }
    | undefined;
}

/** Whose key opens the machine: the agent's, a file's, or the one that the program keeps in {@link sshFiles}. */
export type SshKey =
  { readonly kind: "agent" } | { readonly kind: "file"; readonly path: string } | { readonly kind: "secret" };

/** Where a stack keeps its files on a machine of its own. */
export function remoteDirectory({ project, stack }: StackId): string {
  return `/var/lib/bluegreen/${project}-${stack}`;
}

/**
 * Where a stack's host keys and its key are kept on every deployer's machine, as OpenSSH reads it: `~` is the home of
 * the user database, not of HOME. The same text for everybody, or a second deployer would see a change.
 */
export function sshFiles({ project, stack }: StackId): { readonly knownHosts: string; readonly key: string } {
  const base = `~/.ssh/bluegreen/${project}-${stack}`;
  return { knownHosts: `${base}.known_hosts`, key: `${base}.key` };
}

/** The name that a stack's host has in its known_hosts, wherever it is reached. */
export function hostAlias({ project, stack }: StackId, which: "host" | "bastion" = "host"): string {
  return `${project}-${stack}${which === "bastion" ? "-bastion" : ""}`;
}

/** The stack's known_hosts file: one host key for the host, once it is known, and one for the bastion where there is one. */
export function knownHosts(id: StackId, hostKey: string | undefined, bastionKey?: string): string {
  const line = (alias: string, key: string | undefined) =>
    key === undefined ? "" : `${alias} ${key.trim().split(/\s+/).slice(0, 2).join(" ")}\n`;
  return `${line(hostAlias(id), hostKey)}${line(hostAlias(id, "bastion"), bastionKey)}`;
}

/**
 * OpenSSH's options for every connection to a stack's host, as words. Nothing of the deployer's own configuration
 * counts; a host whose key is not in the stack's known_hosts is never talked to; nobody is asked anything. A connection
 * that the program opened before (`openMaster`) is used, none is opened for others.
 */
export function sshOptions(access: SshAccess): readonly string[] {
  // A socket of the stack's own: another stack's connection was made to a host that its own config vouches for.
  const socket = createHash("sha256").update(hostAlias(access.id)).digest("hex").slice(0, 8);
  return [
    ...checkedOptions(access, "host"),
    ...named({
      ControlMaster: "no",
      ControlPath: `~/.ssh/bluegreen/${socket}-%C`,
      ...(access.bastion && { ProxyCommand: proxyCommand(access, access.bastion) }),
    }),
  ];
}

function checkedOptions({ id, key }: SshAccess, which: "host" | "bastion"): readonly string[] {
  return [
    "-F",
    "/dev/null",
    ...named({
      BatchMode: "yes",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: sshFiles(id).knownHosts,
      GlobalKnownHostsFile: "/dev/null",
      HostKeyAlias: hostAlias(id, which),
      UpdateHostKeys: "no",
      ConnectTimeout: "10",
      ServerAliveInterval: "5",
      ServerAliveCountMax: "3",
      // A server's banner is no message of the program's; errors still show.
      LogLevel: "ERROR",
      PreferredAuthentications: "publickey",
      ...identity(id, key),
    }),
  ];
}

function identity(id: StackId, key: SshKey): Readonly<Record<string, string>> {
  switch (key.kind) {
    case "agent":
      // The keys in the deployer's ~/.ssh differ from deployer to deployer.
      return { IdentityFile: "none" };
    case "file":
      return { IdentitiesOnly: "yes", IdentityFile: key.path };
    case "secret":
      return { IdentitiesOnly: "yes", IdentityFile: sshFiles(id).key };
  }
}

/** A jump whose host key is checked against the stack's own file too, which ProxyJump has no option for. */
function proxyCommand(access: SshAccess, bastion: NonNullable<SshAccess["bastion"]>): string {
  const words = ["ssh", ...checkedOptions(access, "bastion"), "-p", String(bastion.port)];
  return `${commandLine(words)} -W '[%h]:%p' ${quote(`${bastion.user}@${bastion.address}`)}`;
}

const named = (options: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);

/** The words of an ssh call that runs `words` on the machine; without words, the destination alone. */
export function sshWords(
  access: SshAccess,
  address: string,
  words: readonly string[] = [],
): readonly string[] {
  const destination = ["-p", String(access.port), `${access.user}@${address}`];
  return [
    "ssh",
    ...sshOptions(access),
    ...destination,
    ...(words.length > 0 ? ["--", commandLine(words)] : []),
  ];
}

/**
 * The shell's text that runs `words` on the machine, with what is on standard input. The input has to arrive whole (see
 * `sshInput`): of a script or a plan that was cut off on its way, nothing is carried out. A connection that breaks later
 * does not stop what runs there.
 */
export function sshCommand(access: SshAccess, address: string, words: readonly string[]): string {
  return commandLine(sshReceiving(access, address, words));
}

/** The same as words, for whoever calls ssh without a shell. */
export function sshReceiving(
  access: SshAccess,
  address: string,
  words: readonly string[],
): readonly string[] {
  return sshWords(access, address, ["sh", "-c", RECEIVE, "receive", ...words]);
}

const END = "\n#end";
const RECEIVE = `input=$(cat)
case $input in *'${END}') ;; *) echo 'the input was cut off on its way: nothing was done' >&2; exit 74 ;; esac
printf %s "\${input%'${END}'}" | "$@"`;

/**
 * Stands behind a command's text, which the engine shows when the command fails: OpenSSH itself says nothing when a
 * connection that it shares is lost. A comment, because a shell that stayed to speak would be what a cancelled run kills,
 * in place of ssh.
 */
export const LOST =
  "# exit status 255: the connection to the host was lost; what had begun there ends by itself, then run pulumi up again";

/** What a command over ssh reads, with the mark of its end. */
export function sshInput(stdin: string): string {
  return `${stdin}${END}`;
}

/** How long the program's connection stays open for the next command, of this run or another. */
const PERSIST_SECONDS = 60;

/** The words that open the one connection which every other call of this machine's user goes through. */
export function sshMaster(access: SshAccess, address: string): readonly string[] {
  // -M before the options: the first word on a setting counts, and the options say no.
  const open = ["ssh", "-M", "-N", "-f", "-o", `ControlPersist=${PERSIST_SECONDS}`];
  return [...open, ...sshWords(access, address).slice(1)];
}

/** The words that ask the open connection: is it there; take nobody else; end, whoever uses it. */
export function sshControl(
  access: SshAccess,
  address: string,
  what: "check" | "stop" | "exit",
): readonly string[] {
  return ["ssh", "-O", what, ...sshWords(access, address).slice(1)];
}

/** How the Docker provider and OpenSSH write an address. */
export function dockerUrl({ user, port }: SshAccess, address: string): string {
  return `ssh://${user}@${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/**
 * What the Docker provider is told of the engine. One that comes with this run (`after` is what brings it) has no address
 * in the run's preview: the provider would try it at once.
 */
export function engineArgs(reach: Reach, after: pulumi.Input<string> = ""): docker.ProviderArgs {
  switch (reach.kind) {
    case "local":
      return { host: reach.engine };
    case "ssh":
      return {
        host: pulumi.all([reach.address, after]).apply(([address]) => dockerUrl(reach.access, address)),
        sshOpts: [...sshOptions(reach.access)],
      };
  }
}

/** The reach of a server that exists. */
export function sshReach(
  id: StackId,
  settings: SshHostSettings,
): Reach & { readonly kind: "ssh"; readonly address: string } {
  const { address, port, user, key, bastion } = settings;
  const named: SshKey = key.kind === "file" ? { kind: "file", path: key.path } : { kind: key.kind };
  const way = bastion && { address: bastion.address, port: bastion.port, user: bastion.user };
  return { kind: "ssh", address, access: { id, user, port, key: named, bastion: way } };
}
