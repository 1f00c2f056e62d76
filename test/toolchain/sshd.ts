// An SSH server of the test's own: on loopback, keys only, with two host keys, gone when the test is.
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { until } from "./support.ts";
import { freePort } from "../support/ports.ts";

const binary = "/usr/sbin/sshd";

export class SshServer {
  readonly user = userInfo().username;
  readonly port: number;
  readonly privateKey: string;
  readonly hostKeys: { ed25519: string; rsa: string };
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, port: number, server: ChildProcess) {
    this.#folder = folder;
    this.#process = server;
    this.port = port;
    this.privateKey = readFileSync(join(folder, "user"), "utf8");
    this.hostKeys = {
      ed25519: readFileSync(join(folder, "ed25519.pub"), "utf8").trim(),
      rsa: readFileSync(join(folder, "rsa.pub"), "utf8").trim(),
    };
  }

  static async start(): Promise<SshServer> {
    if (!existsSync(binary)) {
      throw new Error(`${binary} is missing: install it with "apt-get install openssh-server"`);
    }
    const folder = mkdtempSync(join(tmpdir(), "bluegreen-sshd-"));
    for (const [name, type] of [
      ["user", "ed25519"],
      ["ed25519", "ed25519"],
      ["rsa", "rsa"],
    ] as const) {
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "test", "-f", join(folder, name)]);
    }
    const port = await freePort();
    writeFileSync(
      join(folder, "config"),
      [
        "ListenAddress 127.0.0.1",
        `Port ${port}`,
        `HostKey ${join(folder, "ed25519")}`,
        `HostKey ${join(folder, "rsa")}`,
        `AuthorizedKeysFile ${join(folder, "user.pub")}`,
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        "PasswordAuthentication no",
        "AcceptEnv ACCEPTED",
        "MaxStartups 100:30:200",
        "Subsystem sftp internal-sftp",
        "LogLevel DEBUG1",
        "",
      ].join("\n"),
    );
    // As root, sshd wants its empty folder.
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    const server = spawn(binary, ["-D", "-E", join(folder, "log"), "-f", join(folder, "config")], {
      stdio: "ignore",
    });
    let listening = false;
    await until("sshd listens", () => {
      const probe = connect(port, "127.0.0.1", () => (listening = true));
      probe.on("error", () => undefined);
      probe.on("connect", () => probe.destroy());
      return listening;
    });
    return new SshServer(folder, port, server);
  }

  /** Lets in who may get into `other`, and nobody else. */
  admit(other: SshServer): void {
    copyFileSync(join(other.#folder, "user.pub"), join(this.#folder, "user.pub"));
  }

  /** What the server has said of its connections so far. */
  log(): string {
    return readFileSync(join(this.#folder, "log"), "utf8");
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("close", resolve));
    if (this.#process.exitCode === null && this.#process.kill()) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
