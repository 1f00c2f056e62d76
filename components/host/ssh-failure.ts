import { setCommand } from "../config/commands.ts";
import type { Ended } from "./process.ts";
import type { SshAccess } from "./reach.ts";

/** OpenSSH ends with 255 when it is the connection that failed, not the command. */
export const CONNECTION_FAILED = 255;

/**
 * Why a host was not reached, and what to do, in one sentence. `stderr` is OpenSSH's own: its exit code is the same for
 * an address that does not answer, a host that is another one, and a key that is refused.
 */
export function explainFailure({ code, stderr }: Ended, access: SshAccess, address: string): string {
  const { user, port, id } = access;
  const at = `${address} port ${port}`;
  const set = (path: readonly string[], value?: string) =>
    setCommand(["host", ...path], value).replace(
      "pulumi config set",
      `pulumi config set --stack ${id.stack}`,
    );
  const lines = stderr.split("\n").map((line) => line.trim());
  const last = lines.findLast((line) => line !== "") ?? `ssh ended with ${code}`;

  if (code === "missing") {
    return (
      "this machine has no `ssh`, by which the program and the Docker provider reach the host; " +
      "install OpenSSH's client: apt-get install openssh-client"
    );
  }
  if (/Host key verification failed|HOST IDENTIFICATION HAS CHANGED|host key is known/.test(stderr)) {
    const shown = /SHA256:[\w+/=]+/.exec(stderr)?.[0];
    return (
      `the machine at ${at} is not the one this stack knows: its host key ${shown === undefined ? "" : `(${shown}) `}is not ` +
      `host.hostKey${access.bastion ? " (or host.bastion.hostKey)" : ""}; nothing was sent. If it was installed anew, read its key on its own ` +
      `console (cat /etc/ssh/ssh_host_ed25519_key.pub) and: ${set(["hostKey"])}`
    );
  }
  if (/Permission denied/.test(stderr)) {
    return (
      `${address} refuses ${user} with ${whichKey(access)}${keyTrouble(lines)}; put its public half into ` +
      `~${user}/.ssh/authorized_keys there, or name another: ${set(["user"])} or ${set(["key"], undefined)}`
    );
  }
  if (code === "late" || code === CONNECTION_FAILED) {
    return (
      `no SSH connection to ${at} (${code === "late" ? "no answer in time" : last}); is the machine up, its address right and ` +
      `its firewall open for this one? Another address: ${set(["address"])}`
    );
  }
  return `${user}@${address}: ${last}`;
}

function whichKey({ key }: SshAccess): string {
  switch (key.kind) {
    case "agent":
      return "the keys of this machine's SSH agent";
    case "file":
      return `the key ${key.path}`;
    case "secret":
      return "the key in host.key.value";
  }
}

/** What OpenSSH says of the key itself, where it could not use it. */
function keyTrouble(lines: readonly string[]): string {
  const trouble = lines.find((line) =>
    /^(Load key|no such identity|UNPROTECTED|sign_and_send)|bad permissions/.test(line),
  );
  return trouble === undefined ? "" : ` (${trouble})`;
}
