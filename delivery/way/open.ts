import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { tail } from "../../toolchain/setup/commands.ts";

const ASK_EVERY_MS = 500;
const FIRST_BYTES_MS = 5000;

/** Whether an SSH server greets on a local port: that something listens there, says nothing of what is behind it. */
export async function greets(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: FIRST_BYTES_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (bytes) => {
      end(bytes.toString("latin1").startsWith("SSH-"));
    });
    for (const event of ["error", "timeout", "close"])
      socket.once(event, () => {
        end(false);
      });
  });
}

export interface Hold {
  readonly port: number;
  /** The file that the program writes into. */
  readonly log: string;
  readonly limitMs: number;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Starts a program that holds a local port open, and waits until an SSH server greets there. The program goes on when
 * this one has ended.
 * @throws Error with the program's last lines when nobody greeted in `limitMs`
 */
export async function holdOpen(
  command: readonly [string, ...string[]],
  { port, log, limitMs, env }: Hold,
): Promise<void> {
  const [program, ...args] = command;
  const file = openSync(log, "w", 0o600);
  const child = spawn(program, args, { detached: true, env, stdio: ["ignore", file, file] });
  const failure = new Promise<void>((resolve) => {
    child.once("error", () => {
      resolve();
    });
    child.once("exit", () => {
      resolve();
    });
  }).then(() => "ended" as const);
  const limit = Date.now() + limitMs;
  for (;;) {
    if (await greets(port)) break;
    const pause = new Promise<"again">((resolve) => setTimeout(resolve, ASK_EVERY_MS, "again"));
    const next = await Promise.race([failure, pause]);
    if (next === "again" && Date.now() < limit) continue;
    if (next === "again" && child.pid !== undefined) process.kill(-child.pid);
    throw new Error(`no SSH server greets on port ${port}: ${tail(readFileSync(log, "utf8"), 5)}`);
  }
  child.unref();
}
