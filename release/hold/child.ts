import { spawn } from "node:child_process";

/** Runs a command in this terminal, its output to stderr, because stdout is the result's; how it ended, a signal by name. */
export function exitOf([program = "", ...words]: readonly string[]): Promise<number | string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["inherit", 2, 2] });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(code ?? signal ?? "no exit code");
    });
  });
}
