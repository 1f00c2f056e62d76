import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../config/names.ts";
import { type Ended, type RunOptions, runProgram } from "./process.ts";
import {
  type SshAccess,
  hostAlias,
  knownHosts,
  sshControl,
  sshFiles,
  sshInput,
  sshMaster,
  sshReceiving,
  sshWords,
} from "./reach.ts";
import { CONNECTION_FAILED, explainBreak, explainFailure } from "./ssh-failure.ts";

/** A machine that can be talked to now. */
export interface SshTarget {
  readonly access: SshAccess;
  readonly address: string;
}

const CONNECTING = { timeoutMs: 20_000 };
/** A command that does nothing, over a connection that is there. */
const ANSWERING = { timeoutMs: 5000 };

/** A path as OpenSSH reads it: `~` is the home of the user database. */
export function expandHome(path: string): string {
  return path.replace(/^~(?=\/)/, userInfo().homedir);
}

/** What `writeSshFiles` puts onto the deployer's machine. */
export interface SshFileContents {
  /** `undefined` where it is not known yet: what stands there already stays. */
  readonly hostKey: string | undefined;
  readonly bastionKey?: string | undefined;
  /** The private key, where config holds it. */
  readonly privateKey?: string | undefined;
}

/**
 * Writes the stack's host keys, and its key where config holds it, for this user alone, before anything connects.
 * Returns whether the machine to be talked to may be another one than before.
 */
export async function writeSshFiles(id: StackId, contents: SshFileContents): Promise<boolean> {
  const { knownHosts: hostsFile, key } = sshFiles(id);
  const folder = dirname(expandHome(hostsFile));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const hostKey = contents.hostKey ?? (await hostKeyIn(expandHome(hostsFile), hostAlias(id)));
  const changed = await replace(expandHome(hostsFile), knownHosts(id, hostKey, contents.bastionKey));
  if (contents.privateKey !== undefined) await replace(expandHome(key), `${contents.privateKey.trim()}\n`);
  return changed;
}

async function hostKeyIn(path: string, alias: string): Promise<string | undefined> {
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  return lines.find((line) => line.startsWith(`${alias} `))?.slice(alias.length + 1);
}

/** By rename, so that a connection that is being made reads the whole of the old or of the new. */
async function replace(path: string, content: string): Promise<boolean> {
  if ((await readFile(path, "utf8").catch(() => undefined)) === content) return false;
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return true;
}

/** Lets no further command onto the open connection; those that use it go on. */
export async function stopSharing({ access, address }: SshTarget): Promise<void> {
  await runProgram(sshControl(access, address, "stop"), CONNECTING);
}

/**
 * Opens the connection that everything else of this run goes through, unless one is open.
 * @throws RunError that says why the host cannot be reached and what to do
 */
export async function openConnection(target: SshTarget): Promise<"opened" | "reused"> {
  const { access, address } = target;
  checkKey(access);
  const check = await runProgram(sshControl(access, address, "check"), CONNECTING);
  if (check.code === 0) return "reused";
  if (check.code === "missing") throw failure(check, target);
  const opened = await runProgram(sshMaster(access, address), { ...CONNECTING, leavesChild: true });
  if (opened.code === 0) return "opened";
  // What a bastion's ssh says is lost to a connection that is to stay open; a plain one tells.
  const plain = access.bastion && (await runProgram(sshWords(access, address, ["true"]), CONNECTING));
  throw failure(plain !== undefined && plain.code !== 0 ? plain : opened, target);
}

export interface SshRunOptions extends RunOptions {
  /** Whether it does no harm twice: where its connection breaks, or is silent, it runs again. Default: it runs once. */
  readonly repeatable?: boolean;
}

/**
 * Runs a command on the host over the open connection, with the whole of its input or not at all. One that is not
 * repeatable is sent once, over a connection that has just answered: whether it ended is not known where that breaks.
 * @throws RunError that says why the host cannot be reached, or that the command may still run there; what the command
 * itself ended with is returned
 */
export async function runOverSsh(
  target: SshTarget,
  words: readonly string[],
  { repeatable = false, ...options }: SshRunOptions,
): Promise<Ended> {
  const line = sshReceiving(target.access, target.address, words);
  const send = () => runProgram(line, { ...options, input: sshInput(options.input ?? "") });
  const reused = (await openConnection(target)) === "reused";
  if (!repeatable) {
    if (reused && !(await answers(target))) await openAnew(target);
    const ended = await send();
    if (isBroken(ended)) throw new pulumi.RunError(explainBreak(ended, target.access, target.address, words));
    return ended;
  }
  let ended = await send();
  if (reused && isBroken(ended)) {
    await openAnew(target);
    ended = await send();
  }
  if (isBroken(ended)) throw failure(ended, target);
  return ended;
}

const isBroken = ({ code }: Ended): boolean => typeof code !== "number" || code === CONNECTION_FAILED;

/** Whether the open connection carries a command to the host and back. */
async function answers({ access, address }: SshTarget): Promise<boolean> {
  return (await runProgram(sshWords(access, address, ["true"]), ANSWERING)).code === 0;
}

/** What goes through the old one, should it live, goes on there. */
async function openAnew(target: SshTarget): Promise<void> {
  await stopSharing(target);
  await openConnection(target);
}

function failure(ended: Ended, { access, address }: SshTarget): Error {
  return new pulumi.RunError(explainFailure(ended, access, address));
}

/** What OpenSSH would only call "Permission denied". */
function checkKey({ key, id }: SshAccess): void {
  const set = `pulumi config set --stack ${id.stack} --path`;
  switch (key.kind) {
    case "agent":
      if ((process.env["SSH_AUTH_SOCK"] ?? "") === "") {
        throw new pulumi.RunError(
          "the host is opened by a key in this machine's SSH agent, and no agent runs here (SSH_AUTH_SOCK is not set); " +
            `start one (eval "$(ssh-agent)" && ssh-add), or name a file: ${set} host.key.kind file && ${set} host.key.path '~/.ssh/deploy_key'`,
        );
      }
      return;
    case "file":
      if (!existsSync(expandHome(key.path))) {
        throw new pulumi.RunError(
          `the host is opened by the key ${key.path}, and this machine has no such file; ` +
            `copy it here, or name another: ${set} host.key.path '~/.ssh/deploy_key'`,
        );
      }
      return;
    case "secret":
      return;
  }
}
