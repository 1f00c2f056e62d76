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
  const { user, port } = access;
  const at = `${address} port ${port}`;
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
      rightKey(access)
    );
  }
  if (/Permission denied/.test(stderr)) {
    return `${address} refuses ${user} with ${whichKey(access)}${keyTrouble(lines)}; ${letIn(access)}`;
  }
  if (code === "late" || code === CONNECTION_FAILED) {
    return (
      `no SSH connection to ${at} (${code === "late" ? "no answer in time" : last}); ` + wayThere(access)
    );
  }
  return `${user}@${address}: ${last}`;
}

/**
 * What to do where a connection broke while a command ran that must not run twice: nobody knows whether it ended. One that
 * ended with 255 by itself is told as such a break.
 */
export function explainBreak(
  { code, stderr }: Ended,
  { id, user, port }: SshAccess,
  address: string,
  words: readonly string[],
): string {
  const name = words[0]?.replace(/^.*\//, "") ?? "";
  const last = stderr.split("\n").findLast((line) => line.trim() !== "");
  const what = code === "late" ? "did not end in time" : "was cut off from this machine";
  return (
    `\`${name}\` ${what}${last === undefined ? "" : ` (${last.trim()})`}, and may still be running on the host: ` +
    `look with \`ssh -p ${port} ${user}@${address} pgrep -af ${name}\` and, for what it did, ` +
    `npx bluegreen history --stack ${id.stack}; only then run it again`
  );
}

/** The commands that set a key of the host, with the example's value where none is given. */
function set({ id }: SshAccess, key: string, value?: string | number): string {
  return setCommand(["host", key], value).replaceAll(
    "pulumi config set",
    `pulumi config set --stack ${id.stack}`,
  );
}

/** What makes a machine of AWS anew; data and address stay. */
function anew(access: SshAccess, { generation }: NonNullable<SshAccess["rented"]>): string {
  return `${set(access, "generation", generation + 1)} makes the machine anew (docs/replace-the-host.md)`;
}

const tunnel = ({ id }: SshAccess): string => `npm run connect -- ${id.stack}`;

function rightKey(access: SshAccess): string {
  const { bastion, rented } = access;
  if (rented === undefined) {
    return (
      `host.hostKey${bastion ? " (or host.bastion.hostKey)" : ""}; nothing was sent. If it was installed anew, read its key on its own ` +
      `console (cat /etc/ssh/ssh_host_ed25519_key.pub) and: ${set(access, "hostKey")}`
    );
  }
  const likely = {
    forwarded: ` Does the port lead to this stack's machine (\`${tunnel(access)}\`, host.connect.port)?`,
    bastion: " The bastion's own key is host.connect.hostKey.",
    public: "",
    private: "",
  }[rented.connect];
  return `the one that the machine was given at its first contact; nothing was sent.${likely} If its system was tampered with: ${anew(access, rented)}`;
}

function letIn(access: SshAccess): string {
  const { user, rented } = access;
  if (rented === undefined) {
    return (
      `put its public half into ~${user}/.ssh/authorized_keys there, ` +
      `or name another: ${set(access, "user")} or ${set(access, "key")}`
    );
  }
  return (
    `its public half has to be in host.authorizedKeys, which a deployer whose key is there already puts on the machine ` +
    `with \`pulumi up\`; or name another: ${set(access, "key")}. Where nobody gets in any more, ${anew(access, rented)}`
  );
}

function wayThere(access: SshAccess): string {
  const { rented } = access;
  if (rented === undefined) {
    return (
      `is the machine up, its address right and its firewall open for this one? ` +
      `Another address: ${set(access, "address")}`
    );
  }
  const way = {
    forwarded: `is the port forwarded? In a terminal of its own: ${tunnel(access)}`,
    bastion: "are the bastion (host.connect) and the machine up?",
    public: "is the machine up, and this one's address in host.access.cidrs?",
    private: "is the machine up, this one in its network, and its address in host.access.cidrs?",
  }[rented.connect];
  return `${way} Where the machine itself is broken, ${anew(access, rented)}`;
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
